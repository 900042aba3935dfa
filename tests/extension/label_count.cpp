// A further task: how many labels a document has, by one output and its squared error.
#include "config/extension.h"
#include "config/task.h"

#ifdef DTBENCH_EXTENSION_ENGINE
#include <ATen/ATen.h>

#include <memory>

#include "engine/numerics/scalar_type.h"
#include "engine/train/task_engine.h"
#endif

namespace {

dtbench::Task describe_label_count() {
  dtbench::Task task;
  task.name = "label_count";
  task.title = "regression of the number of labels";
  task.reads = dtbench::TaskReads::kDocuments;
  task.normalizer = "documents";
  task.targets = [](std::int64_t samples, std::int64_t /*length*/) { return samples; };
  task.outputs = [](std::int64_t /*labels*/) -> std::int64_t { return 1; };
  return task;  // its quality is the validation loss
}

}  // namespace

#ifdef DTBENCH_EXTENSION_ENGINE

namespace {

using namespace dtbench;

float label_count(const TokenStore& store, Split split, std::int64_t document) {
  return static_cast<float>(store.labels(split, document).size());
}

class LabelCounts : public TargetMaker {
 public:
  explicit LabelCounts(const TokenStore& store) : store_(store) {}

  // Targets [B] fp32.
  void set(GlobalBatch& batch, const Selection& selection) const override {
    batch.content.targets = at::empty({batch.samples}, at::kFloat);
    auto* targets = batch.content.targets.mutable_data_ptr<float>();
    for (const std::int64_t example : selection.examples)
      *targets++ = label_count(store_, selection.split, example);
    batch.targets = batch.samples;
  }

 private:
  const TokenStore& store_;
};

std::unique_ptr<TargetMaker> label_counts(const TokenStore& store, const RunSpec& /*spec*/) {
  return std::make_unique<LabelCounts>(store);
}

// (output - target)^2, by the contract's one rule for losses (engine/ops/loss.h).
Value squared_error(Tape& tape, const Value& outputs, const at::Tensor& targets,
                    const LossNormalizer& normalizer) {
  const at::ScalarType stored = outputs.scalar_type(), inside = accumulation_type(stored);
  const at::Tensor error =
      outputs.tensor().to(inside) - targets.to(inside).view_as(outputs.tensor());
  const at::Tensor gradient = (error * (2 * normalizer.factor)).to(stored);
  return tape.record("squared_error", {outputs}, error.square().sum(at::kDouble) / normalizer.count,
                     [gradient](const Tensors&) -> Tensors { return {gradient}; });
}

// Transformers': torch's mse_loss in the outputs' datatype.
Value squared_error_chain(Tape& tape, const Value& outputs, const at::Tensor& targets,
                          const LossNormalizer& normalizer) {
  return ops::chain_loss(
      tape, "squared_error_chain", outputs, targets.numel(), normalizer,
      [&](const at::Tensor& x) { return at::mse_loss(x, targets.to(x.scalar_type()).view_as(x)); });
}

Value loss(Tape& tape, const Value& outputs, const at::Tensor& targets,
           const LossNormalizer& normalizer, LossRule rule) {
  return rule == LossRule::kTransformers ? squared_error_chain(tape, outputs, targets, normalizer)
                                         : squared_error(tape, outputs, targets, normalizer);
}

// The training split's mean for every document.
ConstantPredictor constant(const TokenStore& store, const BatchSource& /*source*/,
                           std::int64_t evaluated, const RunSpec& /*spec*/) {
  const std::int64_t training = store.documents(Split::kTrain);
  double mean = 0, squares = 0;
  for (std::int64_t d = 0; d < training; ++d)
    mean += label_count(store, Split::kTrain, d) / static_cast<double>(training);
  for (std::int64_t d = 0; d < evaluated; ++d) {
    const double error = label_count(store, Split::kValidation, d) - mean;
    squares += error * error;
  }
  ConstantPredictor answer;
  answer.loss = squares / static_cast<double>(evaluated);
  return answer;
}

}  // namespace

#endif  // DTBENCH_EXTENSION_ENGINE

DTBENCH_EXTENSION {
  dtbench::register_task(describe_label_count());
#ifdef DTBENCH_EXTENSION_ENGINE
  dtbench::register_task_engine({"label_count", label_counts, loss, nullptr, constant});
#endif
}
