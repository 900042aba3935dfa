#include "engine/train/evaluation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dtbench {
namespace {

using Score = std::pair<const char*, std::optional<double> Evaluation::*>;
constexpr std::array kScores = {
    Score{"accuracy", &Evaluation::accuracy}, Score{"f1_micro", &Evaluation::f1_micro},
    Score{"f1_macro", &Evaluation::f1_macro},
    Score{"average_precision_micro", &Evaluation::average_precision_micro}};

}  // namespace

Evaluation evaluate(const Model& model, const ComputeRules& rules, const BatchSource& source,
                    const EvaluatedExamples& examples, Scores* scores, const c10::Device& device) {
  ComputeRules by_contract = rules;
  by_contract.loss = LossRule::kContract;
  Evaluation evaluation;
  double loss_sum = 0, targets = 0;
  for (std::int64_t first = 0; first < examples.all; first += examples.batch) {
    if (first == examples.point) evaluation.point_loss = loss_sum / targets;
    const std::int64_t count = std::min(examples.batch, examples.all - first);
    const GlobalBatch global = source.validation_batch(first, count);
    const MicroBatch content = slice(global, 0, global.samples, device);
    targets += static_cast<double>(global.targets);
    Tape tape(Tape::Mode::kForwardOnly);
    const ForwardContext context{tape, by_contract};
    if (content.target_index.defined()) {  // a language model, whose logits are never whole
      loss_sum += model.loss(content, context, {}).tensor().item<double>();
      continue;
    }
    const Value logits = model.logits(content, context);
    loss_sum += model.loss_of_logits(logits, content.targets, context, {}).tensor().item<double>();
    if (scores != nullptr) scores->add(logits.tensor(), content.targets);
  }
  evaluation.loss = loss_sum / targets;
  if (examples.point == examples.all) evaluation.point_loss = evaluation.loss;
  if (scores != nullptr) scores->score(evaluation);
  return evaluation;
}

Json to_json(const Evaluation& evaluation) {
  Json json = {{"val_loss", json_number(evaluation.loss)}};
  for (const auto& [name, member] : kScores)
    if (evaluation.*member) json[name] = json_number(*(evaluation.*member));
  return json;
}

Evaluation evaluation_from_json(const Json& json) {
  Evaluation evaluation;
  evaluation.loss = number_from_json(json.at("val_loss"), "val_loss");
  for (const auto& [name, member] : kScores)
    if (json.contains(name)) evaluation.*member = number_from_json(json.at(name), name);
  return evaluation;
}

}  // namespace dtbench
