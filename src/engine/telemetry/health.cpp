#include "engine/telemetry/health.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "engine/numerics/scalar_type.h"
#include "engine/optim/moments.h"
#include "engine/telemetry/activation_health.h"
#include "engine/telemetry/peak_memory.h"
#include "record/step_columns.h"

namespace dtbench {
namespace {

constexpr std::int64_t kLightEarly = 64, kLightEvery = 128;
constexpr std::int64_t kFullSamples = 256;
constexpr int kMostSpikes = 64;  // that a record explains

void add(ClassSummaries& classes, const char* name, std::int64_t layer, const at::Tensor& x,
         bool with_exponents) {
  if (is_floating(x)) classes[{name, layer, x.scalar_type()}] += summary_of(x, with_exponents);
}

Json classes_json(const ClassSummaries& classes) {
  Json list = Json::array();
  for (const auto& [key, summary] : classes) {
    Json json = to_json(summary);
    const std::int64_t layer = std::get<1>(key);
    json["class"] = std::get<0>(key);
    json["layer"] = index_or_null(layer);
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

bool samples_step(HealthLevel level, std::int64_t step, std::int64_t steps) {
  const bool early = step <= kLightEarly && std::has_single_bit(static_cast<std::uint64_t>(step));
  return early || samples_activations(level, step, steps);
}

bool samples_activations(HealthLevel level, std::int64_t step, std::int64_t steps) {
  if (level == HealthLevel::kLight) return step % kLightEvery == 0;
  return step % ((steps + kFullSamples - 1) / kFullSamples) == 0;
}

HealthWatch::HealthWatch(RunDirectory& directory, Trainer& trainer, HealthLevel level)
    : directory_(directory), trainer_(trainer), level_(level), reason_(trainer.spec().train) {
  const StepColumns steps = read_step_columns(directory.path() / "steps.jsonl");
  for (const double loss : steps.loss)
    losses_.add(loss);
  for (const double norm : steps.grad_norm)
    norms_.add(norm);
  for (const Json& line : read_lines(directory.path() / "health.jsonl")) {
    reason_.remember(line);
    count(line);
  }
}

void HealthWatch::before_step(std::int64_t step) {
  before_.reset();
  if (!samples_step(level_, step, trainer_.spec().train.steps)) return;
  const CpuPeakMemory not_of_the_run;
  before_ = std::make_unique<WeightCopy>(trainer_.parameters());
}

void HealthWatch::after_step(const Trainer::Gradients& gradients,
                             const std::optional<NonFiniteEvent>& nonfinite) {
  const StepEvent& event = gradients.event;
  const std::optional<double> loss_spike = losses_.add(event.loss),
                              norm_spike = norms_.add(event.grad_norm);
  const bool explains_nonfinite = nonfinite && !nonfinite_explained_;
  const bool explains_spike = (loss_spike || norm_spike) && spikes_explained_ < kMostSpikes;
  if (before_ == nullptr && !explains_nonfinite && !explains_spike) return;

  const CpuPeakMemory not_of_the_run;
  const bool updated = !event.skipped && !nonfinite;
  const std::vector<UpdateHealth> updates =
      update_health(trainer_, gradients, updated ? before_.get() : nullptr, with_exponents());
  if (before_ != nullptr) {
    // A GPU's peak would hold what the watched passes hold.
    const bool again = samples_activations(level_, event.step, trainer_.spec().train.steps) &&
                       !nonfinite && (level_ == HealthLevel::kFull || trainer_.device().is_cpu());
    const Json line = sample(gradients, updates, again);
    directory_.append_health(line);
    reason_.remember(line);
    before_.reset();
  }
  if (explains_nonfinite)
    explain(event.step, "nonfinite", concat(nonfinite->tensor, " is not finite"), updates);
  if (!explains_spike) return;
  for (const auto& [name, deviations] :
       {std::pair{"loss", loss_spike}, std::pair{"gradient norm", norm_spike}})
    if (deviations)
      explain(event.step, "spike",
              concat(name, formatted(" %.3g standard deviations above the mean of the 128 steps "
                                     "before it",
                                     *deviations)),
              updates);
}

Json HealthWatch::sample(const Trainer::Gradients& gradients,
                         const std::vector<UpdateHealth>& updates, bool with_activations) {
  ClassSummaries classes;
  const Moments moments(trainer_.update().optimizer());
  for (const Parameter& parameter : trainer_.parameters().all()) {
    add(classes, "weights", parameter.layer, parameter.value, with_exponents());
    add(classes, "weight_gradients", parameter.layer,
        trainer_.parameters().gradient(parameter.index), with_exponents());
    for (const char* kind : {"exp_avg", "exp_avg_sq"})
      add(classes, kind, parameter.layer, moments.of(kind, parameter), with_exponents());
  }
  Json updates_json = Json::array();
  for (const UpdateHealth& update : updates) {
    updates_json.push_back(to_json(update));
    if (update.applied) classes[{"updates", update.layer, update.applied->type}] += *update.applied;
  }
  Json line = {{"step", gradients.event.step}, {"updates", std::move(updates_json)}};
  if (with_activations) {
    ActivationHealth activations(trainer_, gradients, classes, with_exponents());
    trainer_.repeat_passes(gradients, activations);
    line["attention"] = activations.attention_json();
  }
  line["classes"] = classes_json(classes);
  return line;
}

void HealthWatch::explain(std::int64_t step, const char* kind, const std::string& what,
                          const std::vector<UpdateHealth>& updates) {
  std::string why = reason_.words(step, updates);
  if (why.empty()) why = "moments and updates are as in exact AdamW";
  const Json line = {{"step", step}, {"kind", kind}, {"what", what}, {"why", why}};
  directory_.append_health(line);
  count(line);
  log_info(concat("step ", step, ": ", what, ": ", why));
}

void HealthWatch::count(const Json& line) {
  const std::string kind = text_or(member_or_null(line, "/kind"), "");
  nonfinite_explained_ = nonfinite_explained_ || kind == "nonfinite";
  spikes_explained_ += kind == "spike" ? 1 : 0;
}

}  // namespace dtbench
