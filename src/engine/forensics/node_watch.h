// Watches every operation of a step's passes: where the first value arose that is not finite, from
// which operands, what it did from there, and how near the largest values came to their datatype's
// limit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tape/tape.h"

namespace dtbench {

struct Operand {
  std::string role;  // "transformer.h.0.mlp.c_fc.weight", "result of gelu, transformer.h.0.mlp.act"
  std::string datatype;
  double largest;  // largest magnitude
};

// The first operation with finite inputs and an output that is not.
struct Origin {
  Phase phase;
  std::string operation, module;  // module "": outside modules
  std::int64_t layer;             // -1 outside the layers
  std::string datatype;           // of the output
  double largest_finite;          // that it can hold
  std::vector<std::int64_t> shape;
  std::int64_t element;  // of the flattened output, the first that is not finite
  std::string value;     // "nan", "inf", "-inf": there
  std::vector<Operand> operands;
  // The same element in fp64 from the same operands, where the operation is one that this can
  // recompute: what the datatype could not hold. For attention, the largest score.
  std::optional<double> exact;
};

struct Place {
  Phase phase;
  std::string operation, module;
};

// The largest magnitude among outputs of a kind, as a share of what its datatype can hold.
struct Headroom {
  double largest = 0;
  double share = 0;
  std::string operation, module;
};

class NodeWatch : public NodeObserver {
 public:
  void on_leaf(std::int32_t id, std::string_view name) override;
  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override;

  // Before each micro-batch: values are numbered anew on each tape.
  void begin_pass();

  const std::optional<Origin>& origin() const { return origin_; }
  // The operations after the origin, in their order, whose outputs are not finite either.
  const std::vector<Place>& chain() const { return chain_; }
  const Headroom& activations() const { return activations_; }  // forward and loss
  const Headroom& gradients() const { return gradients_; }      // of activations, backward

 private:
  Origin describe(const Node& node, Phase phase, at::TensorList in, const at::Tensor& out) const;
  std::string role(std::int32_t value) const;

  std::optional<Origin> origin_;
  std::vector<Place> chain_;
  Headroom activations_, gradients_;
  std::map<std::int32_t, std::string> made_by_;  // by value, in this pass
};

}  // namespace dtbench
