// The other run's half of a shadow: an observer of its passes that holds every operation against
// the recorded one. Twice: once on its own operands (how far apart the runs are at this place), and
// once with every operation given the recorded run's operands (what this operation alone adds,
// which rounding bounds).
#pragma once

#include <optional>
#include <vector>

#include "engine/forensics/rounding_bounds.h"
#include "engine/forensics/shadow_recording.h"

namespace dtbench {

// What is known of a recorded node. Of several results, those of the one that is nearest to its
// bound, or beyond it by most.
struct ShadowPlace {
  std::size_t result = 0;       // its number
  std::optional<double> apart;  // relative error, each run on its own operands
  std::optional<double> error;  // relative error on the same operands
  std::optional<double> bound;  // of it; nothing: none is known for this operation
  double flushed = 0;           // of its elements, 0 in the recorded run alone
  bool nonfinite = false;       // in the recorded run alone
  bool above() const { return error && bound && !(*error <= *bound); }
};

struct ShadowSetting {
  at::ScalarType run_parameters, other_parameters;
  // Loss scales of the step: gradients are held against each other without them.
  double run_scale = 1, other_scale = 1;
  BoundContext bounds;  // of the other
};

class ShadowComparison : public NodeObserver {
 public:
  // `recorded` must outlive it. `places`: one for each recorded node, to be filled in.
  ShadowComparison(const ShadowRecording& recorded, const ShadowSetting& setting,
                   bool same_operands, std::vector<ShadowPlace>& places);

  void on_begin() override;
  void on_leaf(std::int32_t id, std::string_view name) override;
  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override;

 private:
  struct Forward {
    Tensors in;
    const RecordedNode* recorded;
    c10::SmallVector<double, 4> rounded_by;  // the other's operands
  };

  bool watches() const { return passes_ == 1; }
  const RecordedNode& counterpart(const Node& node, Phase phase) const;
  void compare(const RecordedNode& recorded, const Node& node, at::TensorList in,
               at::TensorList out, const Bounds* bounds);
  Bounds bounds_of(const RecordedNode& recorded, const Node& node, at::TensorList in,
                   at::TensorList out) const;
  void hand_on(const RecordedNode& recorded, const Node& node, at::TensorList out);
  void hand_back(const RecordedNode& recorded, at::TensorList out) const;
  double rounded_by(std::int32_t value) const;
  // What the recorded run's gradients are multiplied by.
  double gradient_scale() const { return setting_.other_scale / setting_.run_scale; }

  const ShadowRecording& recorded_;
  ShadowSetting setting_;
  bool same_operands_;
  std::vector<ShadowPlace>& places_;
  int passes_ = 0;
  std::size_t next_ = 0;                       // among the recorded nodes that are no casts
  std::vector<std::size_t> matched_;           // those
  std::map<std::int32_t, double> rounded_by_;  // by value of the other
  std::map<std::int32_t, Forward> forward_;    // by the first output of a node
};

}  // namespace dtbench
