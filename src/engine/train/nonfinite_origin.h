// Where a step's first non-finite value arose: the step's passes once more, from the same weights
// and draws, with every operation watched.
#pragma once

#include <optional>
#include <string>

#include "engine/model/differentiate.h"

namespace dtbench {

// Remembers the first operation, in the order of execution, whose outputs hold a NaN or an
// infinity. What it reads comes from earlier operations, which are finite then, or from parameters.
class NonFiniteOrigin : public NodeObserver {
 public:
  struct Place {
    Phase phase;
    std::string operation, module;  // "": outside modules
    std::int64_t layer;             // -1 outside the layers
  };

  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override;

  const std::optional<Place>& found() const { return place_; }

 private:
  std::optional<Place> place_;
};

}  // namespace dtbench
