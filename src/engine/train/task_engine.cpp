#include "engine/train/task_engine.h"

#include <deque>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::deque<TaskEngine>& engines() {
  static std::deque<TaskEngine> all{{"clm", next_tokens, nullptr, nullptr, token_constant},
                                    {"mlm", masked_tokens, nullptr, nullptr, token_constant},
                                    {"multi_cls", label_vectors, document_loss("multi_cls"),
                                     multi_label_scores, multi_label_constant},
                                    {"single_cls", first_labels, document_loss("single_cls"),
                                     single_label_scores, single_label_constant}};
  return all;
}

}  // namespace

void register_task_engine(const TaskEngine& engine) {
  engines().push_back(engine);
  if (engine.loss != nullptr) register_document_loss(engine.task, engine.loss);
}

const TaskEngine& task_engine(std::string_view task) {
  for (const TaskEngine& engine : engines())
    if (engine.task == task) return engine;
  throw Error(ExitCode::kPermanent, concat("This engine cannot train the task '", task, "'."),
              "load the extension that brings it (--extension), built with its engine's half");
}

}  // namespace dtbench
