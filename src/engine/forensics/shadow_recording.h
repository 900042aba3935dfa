// One run's half of a shadow: what every operation of a step's first micro-batch was given and
// returned, kept in host memory until the other's passes have been held against it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/tape/tape.h"

namespace dtbench {

// A node, in one direction.
struct RecordedNode {
  Phase phase;
  std::string operation, module;  // module "": outside modules
  std::int64_t layer;             // -1 outside the layers
  Tensors given;                  // backward: gradients of the outputs; undefined: none came
  Tensors made;                   // outputs, or gradients of the inputs; undefined: none wanted
  at::ScalarType operand_type;    // of the first input that is a floating number
  // Forward: by how much casts have rounded each input, relatively.
  c10::SmallVector<double, 4> rounded_by;
  // Of a cast, which other policies lack: what it was made of and its relative error.
  bool is_cast = false;
  double cast_error = 0, cast_bound = 0, cast_flushed = 0;

  bool is_backward() const { return phase == Phase::kBackward; }
};

class ShadowRecording : public NodeObserver {
 public:
  void on_begin() override { ++passes_; }
  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override;

  // In the order of execution.
  const std::vector<RecordedNode>& nodes() const { return nodes_; }
  // The same without their tensors; none are left.
  std::vector<RecordedNode> take_nodes();
  // Bytes of the copies.
  std::int64_t bytes() const;

 private:
  int passes_ = 0;
  std::vector<RecordedNode> nodes_;
  std::map<std::int32_t, double> rounded_by_;  // by value
};

// || a - b || / || b ||; 0 where both are 0. Infinity where `a` alone holds what is not finite;
// NaN where b does: there is nothing to compare with.
double relative_error(const at::Tensor& a, const at::Tensor& b);
// Of all elements: 0 in `a` and not in `b`.
double flushed_share(const at::Tensor& a, const at::Tensor& b);

// The datatype of the first floating tensor; fp32 where there is none.
at::ScalarType first_floating(at::TensorList tensors);

}  // namespace dtbench
