#include "engine/telemetry/activation_health.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"
#include "engine/ops/attention_numbers.h"

namespace dtbench {
namespace {

constexpr std::array<std::string_view, 6> kMoves = {"cast",  "reshape",     "select_rows",
                                                    "split", "split_heads", "merge_heads"};

bool moves(std::string_view operation) {
  return std::find(kMoves.begin(), kMoves.end(), operation) != kMoves.end();
}

}  // namespace

ActivationHealth::ActivationHealth(const Trainer& trainer, const Trainer::Gradients& gradients,
                                   ClassSummaries& classes, bool with_exponents)
    : trainer_(trainer),
      gradients_(gradients),
      classes_(classes),
      with_exponents_(with_exponents),
      first_(0),
      next_(trainer.samples_here(gradients.batch).begin) {}

void ActivationHealth::on_begin() {
  weights_.clear();
  first_ = next_;
  next_ += trainer_.spec().train.micro_batch;
}

void ActivationHealth::on_node(const Node& node, Phase phase, at::TensorList in,
                               at::TensorList out) {
  if (node.operation == "cast" && weights_.contains(node.inputs[0]))
    weights_.insert(node.outputs[0]);
  if (moves(node.operation)) return;
  const bool backward = phase == Phase::kBackward;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (backward && (node.inputs[i] < 0 || weights_.contains(node.inputs[i]))) continue;
    if (!is_floating(out[i]) || out[i].dim() == 0) continue;
    classes_[{backward ? "activation_gradients" : "activations", node.layer,
              out[i].scalar_type()}] += summary_of(out[i], with_exponents_);
  }
  if (node.operation == "attention" && !backward)
    add_attention(attention_[node.layer], in[0], in[1]);
}

// A sample at a time, whose scores are [H, T, T].
void ActivationHealth::add_attention(Attention& sum, const at::Tensor& query,
                                     const at::Tensor& key) const {
  const at::Tensor real = gradients_.batch.content.attention_mask;
  const bool causal = trainer_.spec().model.architecture->causal;
  const std::int64_t tokens = query.size(2), heads = query.size(1);
  for (std::int64_t sample = 0; sample < query.size(0); ++sample) {
    const at::Tensor here =
        real.defined() ? real.narrow(0, first_ + sample, 1).to(query.device()) : at::Tensor();
    const at::Tensor mask =
        ops::make_mask(AttentionForm::kComposed, causal, tokens, here, query.device()).composed;
    const auto head = [&](const at::Tensor& x) { return x.narrow(0, sample, 1).to(at::kFloat); };
    at::Tensor logits = at::matmul(head(query), head(key).transpose(-1, -2)) *
                        ops::attention_scale(query);  // [1, H, T, T]
    const at::Tensor logs =
        (mask.defined() ? logits.masked_fill(mask, -INFINITY) : logits).log_softmax(-1);
    const at::Tensor entropy = -(logs.exp() * logs).nan_to_num(0, 0, 0).sum(-1);  // [1, H, T]
    if (mask.defined()) logits = logits.masked_fill(mask, 0);
    at::Tensor largest = logits.abs().amax(-1);  // [1, H, T]
    at::Tensor entropies = entropy;
    if (here.defined()) {
      const at::Tensor queries = here.to(at::kFloat).view({1, 1, tokens});
      largest = largest * queries;
      entropies = entropy * queries;
    }
    sum.largest = std::max(sum.largest, largest.max().item<double>());
    sum.entropy += entropies.sum(at::kDouble).item<double>();
    sum.queries += heads * (here.defined() ? here.sum().item<std::int64_t>() : tokens);
  }
}

Json ActivationHealth::attention_json() const {
  Json list = Json::array();
  for (const auto& [layer, sum] : attention_)
    list.push_back(
        {{"layer", index_or_null(layer)},
         {"largest_logit", json_number(sum.largest)},
         {"entropy",
          sum.queries > 0 ? json_number(sum.entropy / static_cast<double>(sum.queries)) : Json()}});
  return list;
}

}  // namespace dtbench
