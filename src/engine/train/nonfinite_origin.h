// Where a step's first non-finite value arose: the step's passes once more, from the same weights
// and draws, with every operation watched.
#pragma once

#include <string>
#include <string_view>

#include "engine/model/differentiate.h"

namespace dtbench {

// Remembers the first operation, in the order of execution, whose outputs hold a NaN or an
// infinity. What it reads comes from earlier operations, which are finite then, or from parameters.
class NonFiniteOrigin : public NodeObserver {
 public:
  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override;

  bool found() const { return !operation_.empty(); }
  Phase phase() const { return phase_; }
  const std::string& operation() const { return operation_; }
  const std::string& module() const { return module_; }  // "": outside modules
  std::int64_t layer() const { return layer_; }          // -1 outside the layers

 private:
  Phase phase_ = Phase::kForward;
  std::string operation_, module_;
  std::int64_t layer_ = -1;
};

}  // namespace dtbench
