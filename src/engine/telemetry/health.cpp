#include "engine/telemetry/health.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "engine/optim/adamw_bound.h"
#include "engine/telemetry/number_summary.h"
#include "engine/telemetry/peak_memory.h"

namespace dtbench {
namespace {

using Key = std::pair<std::string, std::int64_t>;  // class and layer
using Classes = std::map<Key, NumberSummary>;

bool has_numbers(const at::Tensor& x) {
  return x.defined() && at::isFloatingType(x.scalar_type());
}

void add(Classes& classes, const char* name, std::int64_t layer, const at::Tensor& x,
         bool with_exponents) {
  if (has_numbers(x)) classes[{name, layer}] += summary_of(x, with_exponents);
}

// Results of the operations that compute: casts and rearrangements have their operands' numbers.
class ActivationCensus : public NodeObserver {
 public:
  ActivationCensus(Classes& classes, bool with_exponents)
      : classes_(classes), with_exponents_(with_exponents) {}

  void on_begin() override { weights_.clear(); }
  void on_leaf(std::int32_t id, std::string_view) override { weights_.insert(id); }

  void on_node(const Node& node, Phase phase, at::TensorList, at::TensorList out) override {
    if (node.operation == "cast" && weights_.contains(node.inputs[0]))
      weights_.insert(node.outputs[0]);
    if (kMoves.contains(node.operation)) return;
    const bool backward = phase == Phase::kBackward;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (backward && (node.inputs[i] < 0 || weights_.contains(node.inputs[i]))) continue;
      if (out[i].defined() && out[i].dim() > 0)
        add(classes_, backward ? "activation_gradients" : "activations", node.layer, out[i],
            with_exponents_);
    }
  }

 private:
  inline static const std::set<std::string_view> kMoves = {"cast",  "reshape",     "select_rows",
                                                           "split", "split_heads", "merge_heads"};

  Classes& classes_;
  bool with_exponents_;
  std::set<std::int32_t> weights_;  // values that are parameters, or casts of them
};

Json layer_json(std::int64_t layer) {
  return layer < 0 ? Json() : Json(layer);
}

Json classes_json(const Classes& classes) {
  Json list = Json::array();
  for (const auto& [key, summary] : classes) {
    Json json = to_json(summary);
    json["class"] = key.first;
    json["layer"] = layer_json(key.second);
    list.push_back(std::move(json));
  }
  return list;
}

Json updates_json(const std::vector<MomentHealth>& moments) {
  Json list = Json::array();
  for (const MomentHealth& health : moments)
    list.push_back(
        {{"parameter", health.parameter},
         {"layer", layer_json(health.layer)},
         {"longest_rates", json_number(health.longest)},
         {"to_weight", json_number(health.to_weight)},
         {"flushed", static_cast<double>(health.flushed) / static_cast<double>(health.elements)}});
  return list;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return formatted("%.3g %%", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

bool light_look_is_due(std::int64_t step) {
  constexpr std::int64_t kEarly = 64;
  return light_rehearsal_is_due(step) ||
         (step <= kEarly && std::has_single_bit(static_cast<std::uint64_t>(step)));
}

bool light_rehearsal_is_due(std::int64_t step) {
  constexpr std::int64_t kEvery = 128;
  return step % kEvery == 0;
}

HealthWatch::HealthWatch(RunDirectory& directory, Trainer& trainer, HealthLevel level)
    : directory_(directory), trainer_(trainer), level_(level) {}

void HealthWatch::look(const Trainer::Gradients& gradients,
                       const std::optional<NonFiniteEvent>& nonfinite) {
  const StepEvent& event = gradients.event;
  const std::optional<double> of_loss = losses_.add(event.loss),
                              of_norm = norms_.add(event.grad_norm);
  const bool full = level_ == HealthLevel::kFull;
  const bool due = full || light_look_is_due(event.step);
  if (!due && !nonfinite && !of_loss && !of_norm) return;

  const UncountedCpuMemory uncounted;
  const std::vector<MomentHealth> moments = moment_health(trainer_, event.learning_rate);
  if (due) {
    // A GPU's peak would hold what the observer holds.
    const bool again = full || (light_rehearsal_is_due(event.step) && trainer_.device().is_cpu());
    directory_.append_health(sample(gradients, moments, again && !nonfinite));
  }
  remember(event.step, moments);
  if (nonfinite) say_why(event, "nonfinite", "not finite", moments);
  const auto spike = [&](const char* name, const std::optional<double>& deviations) {
    if (deviations)
      say_why(event, "spike",
              concat(name, formatted(" %.3g standard deviations above the 128 steps before it",
                                     *deviations)),
              moments);
  };
  spike("loss", of_loss);
  spike("gradient norm", of_norm);
}

Json HealthWatch::sample(const Trainer::Gradients& gradients,
                         const std::vector<MomentHealth>& moments, bool with_activations) {
  const bool with_exponents = level_ == HealthLevel::kFull;
  Classes classes;
  for (const Parameter& parameter : trainer_.parameters().all()) {
    add(classes, "weights", parameter.layer, parameter.value, with_exponents);
    add(classes, "weight_gradients", parameter.layer,
        trainer_.parameters().gradient(parameter.index), with_exponents);
  }
  std::map<std::string, std::int64_t> layers;
  for (const Parameter& parameter : trainer_.parameters().all())
    layers[parameter.name] = parameter.layer;
  for (const auto& [name, tensor] : trainer_.update().optimizer().named_states())
    for (const char* kind : {"exp_avg", "exp_avg_sq"})
      if (const std::string prefix = concat(kind, "."); name.starts_with(prefix))
        add(classes, kind, layers[name.substr(prefix.size())], tensor, with_exponents);
  if (with_activations) {
    ActivationCensus census(classes, with_exponents);
    trainer_.rehearse(gradients, census);
  }
  return {{"step", gradients.event.step},
          {"classes", classes_json(classes)},
          {"updates", updates_json(moments)}};
}

void HealthWatch::remember(std::int64_t step, const std::vector<MomentHealth>& moments) {
  for (const MomentHealth& health : moments) {
    Past& past = past_[health.parameter];
    past.lengths.push_back(health.length);
    if (health.flushed == 0)
      past.flushed_since.reset();
    else if (!past.flushed_since)
      past.flushed_since = step;
  }
}

// The parameter whose moments make the longest step, if that is longer than exact AdamW's or the
// second moments have underflowed.
std::string HealthWatch::moments_in_words(const std::vector<MomentHealth>& moments) const {
  const auto worst = std::max_element(
      moments.begin(), moments.end(),
      [](const MomentHealth& a, const MomentHealth& b) { return a.longest < b.longest; });
  if (worst == moments.end()) return "";
  const TrainSpec& train = trainer_.spec().train;
  const double bound = longest_exact_step(train.beta1, train.beta2);
  const Past& past = past_.at(worst->parameter);
  std::string text;
  if (worst->flushed > 0)
    text += concat("second moment of ", worst->parameter, " underflowed in ",
                   percent(worst->flushed, worst->elements), " of elements since step ",
                   past.flushed_since.value_or(0));
  if (worst->longest > bound)
    text += concat(text.empty() ? concat("moments of ", worst->parameter) : std::string(),
                   text.empty() ? " make" : "; they make", " a step of ",
                   formatted("%.3g", worst->longest), " learning rates (exact AdamW: at most ",
                   formatted("%.3g)", bound));
  const double usual = median(past.lengths);
  if (past.lengths.size() > 2 && usual > 0 && worst->length > 2 * usual)
    text += concat(text.empty() ? concat("update of ", worst->parameter) : std::string("; update"),
                   formatted(" %.3g x its usual size", worst->length / usual));
  return text;
}

void HealthWatch::say_why(const StepEvent& event, const std::string& kind, const std::string& what,
                          const std::vector<MomentHealth>& moments) {
  std::string why = moments_in_words(moments);
  if (why.empty()) why = "moments and updates are as exact AdamW has them";
  directory_.append_health({{"step", event.step}, {"kind", kind}, {"what", what}, {"why", why}});
  log_info(concat("step ", event.step, ": ", what, ": ", why));
}

}  // namespace dtbench
