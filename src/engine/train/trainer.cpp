#include "engine/train/trainer.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/model/initial_weights.h"
#include "engine/numerics/device.h"
#include "engine/numerics/finite.h"
#include "engine/numerics/scalar_type.h"
#include "engine/optim/clip.h"

namespace dtbench {
namespace {

std::int64_t label_count(const RunSpec& spec, const TokenStore& store) {
  return is_language_model(spec.objective) ? 0
                                           : static_cast<std::int64_t>(store.meta().labels.size());
}

LoadedWeights initialize(const RunSpec& spec, ParameterSet& parameters) {
  if (spec.model.init == "pretrained")
    throw usage_error("Pretrained weights are asked for, and this version does not fetch them.",
                      "--init FILE with a safetensors file of the checkpoint, or --init scratch");
  LoadedWeights loaded;
  if (spec.model.init != "scratch") loaded = load_weights(spec.model.init, parameters);
  perturb_by_ulp(parameters, spec.policy.perturb_initial_ulp);
  return loaded;
}

// "transformer.h.3.mlp.c_fc.weight" -> 3; -1 outside the layers.
std::int64_t layer_of(const std::string& name) {
  const std::size_t at = name.find(".h.");
  return at == std::string::npos ? -1 : std::atoll(name.c_str() + at + 3);
}

template <typename TensorOf>
std::optional<NonFiniteEvent> first_nonfinite(const ParameterSet& parameters, std::int64_t step,
                                              const char* phase, TensorOf tensor_of) {
  for (const Parameter& parameter : parameters.all()) {
    if (const NonFinite found = find_nonfinite(tensor_of(parameter)))
      return NonFiniteEvent{
          step, -1, phase, kind_of(found), parameter.name, layer_of(parameter.name)};
  }
  return std::nullopt;
}

StepEvent describe(const GlobalBatch& batch, const ModelShape& shape, std::int64_t step) {
  StepEvent event;
  event.step = step;
  event.samples = batch.samples;
  event.tokens = batch.samples * batch.length;
  event.real_tokens = batch.real_tokens;
  const StepFlops flops =
      step_flops(shape, {batch.real_tokens, event.tokens, batch.targets, batch.samples,
                         batch.length, batch.sum_squared_lengths});
  event.flops_needed = flops.needed;
  event.flops_palm = flops.palm;
  return event;
}

}  // namespace

Trainer::Trainer(const RunSpec& spec, const TokenStore& store, const c10::Device& device)
    : spec_(spec),
      store_(store),
      device_(device),
      shape_(model_shape(spec, store.meta().vocab_size, label_count(spec, store))),
      source_(store, spec),
      parameters_(at::TensorOptions(device).dtype(scalar_type(spec.policy.parameters)),
                  static_cast<std::uint32_t>(spec.seed), scalar_type(spec.policy.gradients)),
      model_(parameters_, shape_, spec.model.layer_norm_epsilon),
      loaded_(initialize(spec, parameters_)),
      optimizer_(parameters_, adamw_options(spec.policy, spec.train, spec.seed)),
      constant_(constant_predictor(store, source_, evaluation_examples(),
                                   shape_.labels > 0 ? shape_.labels : shape_.vocab,
                                   is_language_model(spec.objective))) {}

Trainer::Gradients Trainer::compute_gradients(std::int64_t step) {
  const double started = steady_seconds();
  const GlobalBatch batch = source_.training_batch(step);
  Gradients result{describe(batch, shape_, step), std::nullopt};
  result.event.data_seconds = steady_seconds() - started;

  parameters_.clear_gradients();
  const LossNormalizer normalizer{static_cast<double>(batch.targets), 1.0};
  std::vector<at::Tensor> losses;
  for (std::int64_t first = 0; first < batch.samples; first += spec_.train.micro_batch) {
    const DropoutContext dropout{spec_.model.dropout, static_cast<std::uint32_t>(spec_.seed),
                                 static_cast<std::uint32_t>(step),
                                 static_cast<std::uint32_t>(first)};
    const MicroBatch micro = slice(batch, first, spec_.train.micro_batch, device_);
    const at::Tensor loss = model_.loss(micro, dropout, normalizer);
    torch::autograd::backward({loss}, {at::ones_like(loss)});
    parameters_.collect_gradients();
    losses.push_back(loss.detach());
  }
  const at::Tensor micro_losses = at::stack(losses).cpu();
  result.event.loss = micro_losses.sum().item<double>();
  result.event.grad_norm = clip_by_global_norm(parameters_.gradients(), spec_.train.clip_norm);
  result.nonfinite = first_nonfinite_loss(step, micro_losses);
  if (!result.nonfinite) result.nonfinite = first_nonfinite_gradient(step, result.event.grad_norm);
  return result;
}

std::optional<NonFiniteEvent> Trainer::first_nonfinite_loss(std::int64_t step,
                                                            const at::Tensor& losses) const {
  for (std::int64_t micro = 0; micro < losses.size(0); ++micro) {
    const double loss = losses[micro].item<double>();
    if (!std::isfinite(loss))
      return NonFiniteEvent{step, micro, "loss", std::isnan(loss) ? "nan" : "inf", "loss", -1};
  }
  return std::nullopt;
}

// A finite norm proves every gradient finite; only otherwise is the first one looked for. Where all
// are finite but their norm is beyond its datatype, clipping has zeroed them: that is named too.
std::optional<NonFiniteEvent> Trainer::first_nonfinite_gradient(std::int64_t step,
                                                                double norm) const {
  if (std::isfinite(norm)) return std::nullopt;
  auto gradient = first_nonfinite(parameters_, step, "backward",
                                  [](const Parameter& p) { return p.value.grad(); });
  if (gradient) return gradient;
  return NonFiniteEvent{step, -1, "backward", std::isnan(norm) ? "nan" : "inf", "grad_norm", -1};
}

std::optional<NonFiniteEvent> Trainer::apply_gradients(std::int64_t step, double learning_rate) {
  optimizer_.step(learning_rate, 1.0, static_cast<std::uint32_t>(step));
  return first_nonfinite(parameters_, step, "optimizer",
                         [](const Parameter& p) { return p.value.detach(); });
}

std::int64_t Trainer::evaluation_examples() const {
  return std::min(spec_.train.eval_examples, source_.examples(Split::kValidation));
}

Evaluation Trainer::evaluate() const {
  return dtbench::evaluate(model_, source_, evaluation_examples(), spec_.train.micro_batch,
                           shape_.labels, device_);
}

}  // namespace dtbench
