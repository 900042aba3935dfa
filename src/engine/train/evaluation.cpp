#include "engine/train/evaluation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "engine/train/metrics.h"

namespace dtbench {
namespace {

using Score = std::pair<const char*, std::optional<double> Evaluation::*>;
constexpr std::array kScores = {
    Score{"accuracy", &Evaluation::accuracy}, Score{"f1_micro", &Evaluation::f1_micro},
    Score{"f1_macro", &Evaluation::f1_macro},
    Score{"average_precision_micro", &Evaluation::average_precision_micro}};

template <typename T>
void append(std::vector<T>& all, const at::Tensor& more) {
  const at::Tensor values = more.cpu().contiguous();
  const T* data = values.const_data_ptr<T>();
  all.insert(all.end(), data, data + values.numel());
}

// What the metrics need of all documents.
class Answers {
 public:
  explicit Answers(std::int64_t labels) : labels_(labels) {}

  void add(const at::Tensor& logits, const at::Tensor& targets) {
    multi_label_ = targets.dim() == 2;
    if (multi_label_) {
      append(logits_, logits.to(at::kFloat));
      append(truth_, targets.to(at::kByte));
    } else {
      any_nan_ = any_nan_ || logits.isnan().any().item<bool>();
      append(predicted_, logits.argmax(-1));
      append(targets_, targets);
    }
  }

  void score(Evaluation& evaluation) const {
    if (multi_label_) {
      const MultiLabelMetrics metrics = multi_label_metrics(logits_, truth_, labels_);
      evaluation.f1_micro = metrics.f1_micro;
      evaluation.f1_macro = metrics.f1_macro;
      evaluation.average_precision_micro = metrics.average_precision_micro;
    } else if (any_nan_) {
      // The largest of NaNs would be the first label, the most frequent one: the constant answer.
      evaluation.accuracy = evaluation.f1_micro = evaluation.f1_macro =
          std::numeric_limits<double>::quiet_NaN();
    } else {
      const SingleLabelMetrics metrics = single_label_metrics(predicted_, targets_, labels_);
      evaluation.accuracy = metrics.accuracy;
      evaluation.f1_micro = metrics.f1_micro;
      evaluation.f1_macro = metrics.f1_macro;
    }
  }

 private:
  std::int64_t labels_;
  bool multi_label_ = false, any_nan_ = false;
  std::vector<float> logits_;
  std::vector<std::uint8_t> truth_;
  std::vector<std::int64_t> predicted_, targets_;
};

}  // namespace

Evaluation evaluate(const Model& model, const ComputeRules& rules, const BatchSource& source,
                    std::int64_t examples, std::int64_t batch, std::int64_t labels,
                    const c10::Device& device) {
  ComputeRules by_contract = rules;
  by_contract.loss = LossRule::kContract;
  double loss_sum = 0, targets = 0;
  Answers answers(labels);
  for (std::int64_t first = 0; first < examples; first += batch) {
    const GlobalBatch global = source.validation_batch(first, std::min(batch, examples - first));
    const MicroBatch content = slice(global, 0, global.samples, device);
    targets += static_cast<double>(global.targets);
    Tape tape(Tape::Mode::kForwardOnly);
    const ForwardContext context{tape, by_contract};
    if (labels == 0) {
      loss_sum += model.loss(content, context, {}).tensor().item<double>();
      continue;
    }
    const Value logits = model.logits(content, context);
    loss_sum += model.classification_loss(logits, content.targets, context, {})
                    .tensor()
                    .item<double>();
    answers.add(logits.tensor(), content.targets);
  }
  Evaluation evaluation;
  evaluation.loss = loss_sum / targets;
  if (labels > 0) answers.score(evaluation);
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
