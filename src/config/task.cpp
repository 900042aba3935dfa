#include "config/task.h"

#include "config/model_family.h"

namespace dtbench {
namespace {

std::int64_t one_a_document(std::int64_t samples, std::int64_t /*length*/) {
  return samples;
}

std::int64_t one_a_label(std::int64_t labels) {
  return labels;
}

Task describe_causal_lm() {
  Task task;
  task.name = "clm";
  task.title = "causal language model";
  task.reads = TaskReads::kBlocks;
  task.needs = TaskNeeds::kCausalAttention;
  task.normalizer = "targets";
  // The last token of a block has nothing to predict.
  task.targets = [](std::int64_t samples, std::int64_t length) { return samples * (length - 1); };
  return task;
}

Task describe_masked_lm() {
  Task task;
  task.name = "mlm";
  task.title = "masked language model";
  task.reads = TaskReads::kBlocks;
  task.needs = TaskNeeds::kMaskToken;
  task.normalizer = "targets";
  task.targets = [](std::int64_t samples, std::int64_t length) {
    return samples * length * 15 / 100;
  };
  return task;
}

Task describe_multi_label() {
  Task task;
  task.name = "multi_cls";
  task.title = "multi-label classification";
  task.takes_bce_reduction = true;
  task.normalizer = "documents x labels";
  task.quality = {"average_precision_micro",
                  "/convergence/average_precision_micro",
                  "average precision",
                  true,
                  0.01,
                  false};
  task.targets = one_a_document;
  task.outputs = one_a_label;
  return task;
}

Task describe_single_label() {
  Task task;
  task.name = "single_cls";
  task.title = "single-label classification";
  task.normalizer = "documents";
  task.targets = one_a_document;
  task.outputs = one_a_label;
  return task;
}

const Task& built_in(const char* name) {
  return *registry<Task>().find(name);
}

}  // namespace

template <>
Registry<Task>& registry<Task>() {
  static Registry<Task> tasks = [] {
    Registry<Task> built_in("task");
    for (Task (*describe)() :
         {describe_causal_lm, describe_masked_lm, describe_multi_label, describe_single_label})
      built_in.add(describe());
    return built_in;
  }();
  return tasks;
}

const Task& register_task(Task task) {
  const bool has_outputs = is_language_model(task) || task.outputs != nullptr;
  if (task.name.empty() || task.targets == nullptr || !has_outputs)
    throw usage_error(concat("The task '", task.name, "' is incomplete."),
                      "config/task.h says what an entry needs.");
  return registry<Task>().add(std::move(task));
}

Registered<Task> causal_lm() {
  static const Task& task = built_in("clm");
  return task;
}
Registered<Task> masked_lm() {
  static const Task& task = built_in("mlm");
  return task;
}
Registered<Task> multi_label() {
  static const Task& task = built_in("multi_cls");
  return task;
}
Registered<Task> single_label() {
  static const Task& task = built_in("single_cls");
  return task;
}

bool is_language_model(const Task& task) {
  return task.reads == TaskReads::kBlocks;
}

bool suits(const Task& task, const ModelFamily& family) {
  switch (task.needs) {
    case TaskNeeds::kAnyFamily:
      return true;
    case TaskNeeds::kCausalAttention:
      return family.causal;
    case TaskNeeds::kMaskToken:
      return !family.causal && !family.tokens.mask.empty();
  }
  return false;
}

std::vector<std::string> suitable_families(const Task& task) {
  std::vector<std::string> names;
  for (const ModelFamily& family : registry<ModelFamily>().entries())
    if (suits(task, family)) names.push_back(family.name);
  return names;
}

}  // namespace dtbench
