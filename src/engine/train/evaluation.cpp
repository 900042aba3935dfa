#include "engine/train/evaluation.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace dtbench {
namespace {

void append(std::vector<std::int64_t>& all, const at::Tensor& more) {
  const at::Tensor values = more.cpu().contiguous();
  const auto* data = values.const_data_ptr<std::int64_t>();
  all.insert(all.end(), data, data + values.numel());
}

}  // namespace

Evaluation evaluate(const Model& model, const BatchSource& source, std::int64_t examples,
                    std::int64_t batch, std::int64_t labels, const c10::Device& device) {
  const c10::NoGradGuard no_grad;
  double loss_sum = 0, targets = 0;
  std::vector<std::int64_t> predicted, truth;
  for (std::int64_t first = 0; first < examples; first += batch) {
    const GlobalBatch global = source.validation_batch(first, std::min(batch, examples - first));
    const MicroBatch content = slice(global, 0, global.samples, device);
    targets += static_cast<double>(global.targets);
    if (labels == 0) {
      loss_sum += model.loss(content, {}, {}).item<double>();
      continue;
    }
    const at::Tensor logits = model.logits(content);
    loss_sum += ops::cross_entropy(logits, content.targets, {}).item<double>();
    append(predicted, logits.argmax(-1));
    append(truth, content.targets);
  }
  Evaluation evaluation{loss_sum / targets, std::nullopt};
  if (labels > 0) evaluation.single_label = single_label_metrics(predicted, truth, labels);
  return evaluation;
}

Json to_json(const Evaluation& evaluation) {
  Json json = {{"val_loss", json_number(evaluation.loss)}};
  if (evaluation.single_label) {
    json["accuracy"] = evaluation.single_label->accuracy;
    json["f1_micro"] = evaluation.single_label->f1_micro;
    json["f1_macro"] = evaluation.single_label->f1_macro;
  }
  return json;
}

}  // namespace dtbench
