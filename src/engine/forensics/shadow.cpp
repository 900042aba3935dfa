#include "engine/forensics/shadow.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "engine/numerics/scalar_type.h"
#include "engine/train/checkpoint.h"

namespace dtbench {
namespace {

Trainer::Gradients observed_gradients(Trainer& trainer, std::int64_t step, NodeObserver* observer) {
  trainer.observe(observer);
  Trainer::Gradients gradients = trainer.compute_gradients(step);
  trainer.observe(nullptr);
  return gradients;
}

std::optional<NonFiniteEvent> finish(Trainer& trainer, Trainer::Gradients& gradients) {
  if (gradients.nonfinite) return gradients.nonfinite;
  return trainer.apply_gradients(gradients);
}

// First one, then the other.
class InTurn : public NodeObserver {
 public:
  InTurn(NodeObserver& first, NodeObserver& second) : first_(first), second_(second) {}
  void on_begin() override {
    first_.on_begin();
    second_.on_begin();
  }
  void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) override {
    first_.on_node(node, phase, in, out);
    second_.on_node(node, phase, in, out);
  }

 private:
  NodeObserver &first_, &second_;
};

void copy_weights(const ParameterSet& from, const ParameterSet& to) {
  for (std::size_t i = 0; i < to.all().size(); ++i)
    at::Tensor(to.all()[i].value).copy_(from.all()[i].value);
}

// Other weights than its own, until it goes.
class LentWeights {
 public:
  LentWeights(const ParameterSet& lender, const ParameterSet& borrower) : borrower_(borrower) {
    for (const at::Tensor& value : borrower.values())
      own_.push_back(value.clone());
    copy_weights(lender, borrower);
  }
  ~LentWeights() {
    for (std::size_t i = 0; i < own_.size(); ++i)
      at::Tensor(borrower_.all()[i].value).copy_(own_[i]);
  }
  LentWeights(const LentWeights&) = delete;
  LentWeights& operator=(const LentWeights&) = delete;

 private:
  const ParameterSet& borrower_;
  std::vector<at::Tensor> own_;
};

// Casts have no counterpart; what they do is known from the run alone.
void add_casts(const std::vector<RecordedNode>& nodes, std::vector<ShadowPlace>& places) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].is_cast || std::isnan(nodes[i].cast_error)) continue;
    places[i].error = nodes[i].cast_error;
    places[i].bound = nodes[i].cast_bound;
    places[i].flushed = nodes[i].cast_flushed;
    places[i].nonfinite = std::isinf(nodes[i].cast_error);
  }
}

double square(double x) {
  return x * x;
}

// Beyond every step where there is no checkpoint.
std::int64_t checkpointed_step(const std::filesystem::path& checkpoint) {
  const std::filesystem::path file = checkpoint_file(checkpoint);
  if (!std::filesystem::exists(file)) return std::numeric_limits<std::int64_t>::max();
  const auto metadata = restore_tensors(file, {});
  return training_state_from_json(parse_json(metadata.at("training_state"))).steps_completed;
}

// Squares of a difference and of what it is relative to.
struct Distance {
  double difference = 0, length = 0;
  double relative() const {
    return difference == 0 ? 0 : std::sqrt(difference) / std::sqrt(length);
  }
};

}  // namespace

Shadow::Shadow(const ShadowSide& run, const ShadowSide& other, const TokenStore& store,
               const std::filesystem::path& initial_weights)
    : run_(run.spec, store, run.device, initial_weights),
      other_(other.spec, store, other.device, initial_weights) {
  copy_weights(run_.parameters(), other_.parameters());
}

void Shadow::go_to(std::int64_t step, const std::filesystem::path& checkpoint) {
  if (step == 0) return;
  if (checkpointed_step(checkpoint) <= step)
    step_ = load_checkpoint(checkpoint, run_).state.steps_completed;
  for (; step_ < step; ++step_) {
    Trainer::Gradients gradients = run_.compute_gradients(step_);
    if (finish(run_, gradients))
      throw usage_error(concat("The run is not finite any more at step ", step_, "."),
                        concat("Start before it: --from ", std::max<std::int64_t>(0, step_ - 1)));
  }
  copy_weights(run_.parameters(), other_.parameters());
  share_states();
}

void Shadow::share_states() {
  std::map<std::string, at::Tensor> states;
  for (auto& [name, tensor] : run_.update().named_states())
    states[name] = tensor;
  for (auto& [name, tensor] : other_.update().named_states()) {
    const auto found = states.find(name);
    const bool moment = name.starts_with("exp_avg");
    if (found == states.end() && !moment) continue;  // its own to begin with
    const bool fits = found != states.end() && found->second.sizes() == tensor.sizes() &&
                      (found->second.scalar_type() == tensor.scalar_type() ||
                       (is_floating(found->second) && is_floating(tensor)));
    if (!fits)
      throw usage_error(concat("The two keep optimizer states in different forms (", name,
                               "), so one cannot go on with the other's."),
                        "Compare them from the start (--from 0).");
    tensor.copy_(found->second);
  }
}

ShadowStep Shadow::step(NodeObserver* observer) {
  ShadowStep result;
  const double run_scale = run_.update().loss_scale(), other_scale = other_.update().loss_scale();

  ShadowRecording recording;
  std::optional<InTurn> both;
  if (observer != nullptr) both.emplace(*observer, recording);
  Trainer::Gradients run =
      observed_gradients(run_, step_, both ? static_cast<NodeObserver*>(&*both) : &recording);

  const ShadowSetting setting{run_.parameters().all().front().value.scalar_type(),
                              other_.parameters().all().front().value.scalar_type(),
                              run_scale,
                              other_scale,
                              {other_.spec().model.layer_norm_epsilon,
                               static_cast<double>(run.batch.targets), other_scale}};
  {
    const LentWeights lent(run_.parameters(), other_.parameters());
    ShadowComparison same_operands(recording, setting, /*same_operands=*/true, result.places);
    observed_gradients(other_, step_, &same_operands);
  }
  ShadowComparison own_operands(recording, setting, /*same_operands=*/false, result.places);
  Trainer::Gradients other = observed_gradients(other_, step_, &own_operands);
  add_casts(recording.nodes(), result.places);

  result.run_nonfinite = finish(run_, run);
  result.other_nonfinite = finish(other_, other);
  result.run = run.event;
  result.other = other.event;
  result.kept_bytes = recording.bytes();
  result.nodes = recording.take_nodes();
  measure_drift(result);
  ++step_;
  return result;
}

void Shadow::measure_drift(ShadowStep& result) const {
  Distance all, outside;
  std::vector<Distance> layers;
  for (const Parameter& parameter : run_.parameters().all()) {
    const at::Tensor here = parameter.value.to(at::kCPU).to(at::kDouble);
    const at::Tensor there =
        other_.parameters().all()[parameter.index].value.to(at::kCPU).to(at::kDouble);
    const auto layer = static_cast<std::size_t>(parameter.layer + 1);
    if (parameter.layer >= 0 && layers.size() < layer) layers.resize(layer);
    Distance& part = parameter.layer < 0 ? outside : layers[layer - 1];
    for (Distance* sum : {&all, &part}) {
      sum->difference += square(norm_of(here - there));
      sum->length += square(norm_of(there));
    }
  }
  result.drift = all.relative();
  result.drift_outside = outside.relative();
  for (const Distance& layer : layers)
    result.drift_by_layer.push_back(layer.relative());
}

}  // namespace dtbench
