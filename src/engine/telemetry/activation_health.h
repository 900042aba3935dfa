// The numbers of a step's activations and their gradients, and attention's logits, by layer; from
// the operations of one step's passes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "base/json.h"
#include "engine/tape/tape.h"
#include "engine/telemetry/number_summary.h"
#include "engine/train/trainer.h"

namespace dtbench {

// By class of tensors ("activations"), layer, -1 outside the layers, and datatype.
using ClassSummaries =
    std::map<std::tuple<std::string, std::int64_t, at::ScalarType>, NumberSummary>;

// Results of operations that compute: casts and rearrangements have their operands' numbers.
class ActivationHealth : public NodeObserver {
 public:
  // Sees the passes of `gradients`' step from this process's first micro-batch on. All must
  // outlive it.
  ActivationHealth(const Trainer& trainer, const Trainer::Gradients& gradients,
                   ClassSummaries& classes, bool with_exponents);

  void on_begin() override;
  void on_leaf(std::int32_t id, std::string_view) override { weights_.insert(id); }
  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override;

  // [{"layer", "largest_logit", "entropy"}]: the largest |q k| / sqrt(D) of keys that a query may
  // look at, and the mean entropy of the attention of real queries, in nats; in fp32.
  Json attention_json() const;

 private:
  struct Attention {
    double largest = 0, entropy = 0;
    std::int64_t queries = 0;
  };
  void add_attention(Attention& sum, const at::Tensor& query, const at::Tensor& key) const;

  const Trainer& trainer_;
  const Trainer::Gradients& gradients_;
  ClassSummaries& classes_;
  bool with_exponents_;
  std::int64_t first_, next_;       // sample of the micro-batch at work, and of the one after it
  std::set<std::int32_t> weights_;  // values that are parameters, or casts of them
  std::map<std::int64_t, Attention> attention_;
};

}  // namespace dtbench
