#include "engine/model/document_loss.h"

#include <map>

#include "base/error.h"
#include "base/text.h"
#include "engine/ops/binary_cross_entropy.h"
#include "engine/ops/cross_entropy.h"

namespace dtbench {
namespace {

Value multi_label_loss(Tape& tape, const Value& logits, const at::Tensor& targets,
                       const LossNormalizer& normalizer, LossRule rule) {
  return rule == LossRule::kTransformers
             ? ops::binary_cross_entropy_chain(tape, logits, targets, normalizer)
             : ops::binary_cross_entropy(tape, logits, targets, normalizer);
}

Value single_label_loss(Tape& tape, const Value& logits, const at::Tensor& targets,
                        const LossNormalizer& normalizer, LossRule rule) {
  return rule == LossRule::kTransformers
             ? ops::cross_entropy_chain(tape, logits, targets, normalizer)
             : ops::cross_entropy(tape, logits, targets, normalizer);
}

std::map<std::string, DocumentLoss, std::less<>>& losses() {
  static std::map<std::string, DocumentLoss, std::less<>> all{{"multi_cls", multi_label_loss},
                                                              {"single_cls", single_label_loss}};
  return all;
}

}  // namespace

void register_document_loss(const std::string& task, DocumentLoss loss) {
  losses()[task] = loss;
}

DocumentLoss document_loss(std::string_view task) {
  const auto found = losses().find(task);
  if (found != losses().end()) return found->second;
  throw Error(ExitCode::kPermanent, concat("This engine has no loss for the task '", task, "'."),
              "load the extension that brings it (--extension), built with its engine's half");
}

}  // namespace dtbench
