#include "engine/train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "config/hub_address.h"
#include "engine/model/differentiate.h"
#include "engine/model/initial_weights.h"
#include "engine/numerics/device.h"
#include "engine/numerics/scalar_type.h"
#include "engine/train/task_engine.h"

namespace dtbench {
namespace {

LoadedWeights initialize(const RunSpec& spec, const std::filesystem::path& given,
                         ParameterSet& parameters) {
  const std::string& init = spec.model.init;
  if (is_hub_address(init) && given.empty())
    throw usage_error(concat("The initial weights are on the Hub (", init,
                             "), but no local file was given for them."),
                      "Use 'dtbench run', which downloads them, or --initial-weights FILE.");
  LoadedWeights loaded;
  if (init != "scratch")
    loaded = load_weights(given.empty() ? std::filesystem::path(init) : given, parameters);
  perturb_by_ulp(parameters, spec.policy.perturb_initial_ulp);
  return loaded;
}

// A family's embedding tables may keep a row for padding.
void require_padding(const RunSpec& spec, const StoreMeta& meta) {
  const ModelFamily& family = spec.model.architecture;
  if (!family.padding_id || meta.pad_token_id == *family.padding_id) return;
  throw usage_error(concat(family.title, "'s padding token must have id ", *family.padding_id,
                           ", but the tokenizer's has ", meta.pad_token_id, "."),
                    "Use the published vocabulary.");
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

Trainer::Trainer(const RunSpec& spec, const TokenStore& store, const c10::Device& device,
                 const std::filesystem::path& initial_weights, Reducer* reducer)
    : spec_(spec),
      store_(store),
      device_(device),
      rules_(compute_rules(spec.policy)),
      shape_(model_shape(spec, store.meta().vocab_size,
                         static_cast<std::int64_t>(store.meta().labels.size()))),
      source_(store, spec),
      batches_(source_, spec.train.steps, device),
      parameters_(at::TensorOptions(device).dtype(scalar_type(spec.policy.parameters)),
                  static_cast<std::uint32_t>(spec.seed), scalar_type(spec.policy.gradients)),
      model_(parameters_, shape_, spec.model.layer_norm_epsilon),
      loaded_(initialize(spec, initial_weights, parameters_)),
      update_(parameters_, spec.policy, spec.train, spec.seed),
      constant_(constant_predictor(store, source_, evaluation_examples(), spec)),
      reducer_(reducer) {
  require_padding(spec, store.meta());
}

Trainer::Gradients Trainer::compute_gradients(std::int64_t step) {
  const double started = steady_seconds();
  Gradients result{batches_.take(step), {}, {}, std::nullopt};
  result.event = describe(result.batch, shape_, step);
  StepEvent& event = result.event;
  event.data_seconds = steady_seconds() - started;
  if (update_.scaler()) event.loss_scale = update_.loss_scale();

  const at::Tensor losses = accumulate(result.batch, step);
  event.loss = losses.sum().item<double>();
  result.window = update_.finish_gradients();
  event.grad_norm = result.window.grad_norm;
  event.skipped = result.window.skipped;
  if (event.skipped) return result;
  result.nonfinite = first_nonfinite_loss(step, losses);
  if (!result.nonfinite)
    result.nonfinite = first_nonfinite_gradient(step, parameters_, event.grad_norm);
  if (result.nonfinite) locate(result, *result.nonfinite);
  return result;
}

at::Tensor Trainer::accumulate(const GlobalBatch& batch, std::int64_t step) {
  std::vector<at::Tensor> losses;
  parameters_.clear_gradients();
  for (std::int64_t first = 0; first < batch.samples; first += spec_.train.micro_batch) {
    const bool last = first + spec_.train.micro_batch >= batch.samples;
    losses.push_back(
        differentiate_at(batch, step, first, update_.loss_scale(), observer_, gradient_sink(last)));
  }
  if (reducer_ != nullptr) reducer_->finish();
  return at::stack(losses).cpu();
}

at::Tensor Trainer::differentiate_at(const GlobalBatch& batch, std::int64_t step,
                                     std::int64_t first, double loss_scale, NodeObserver* observer,
                                     const Tape::LeafSink& sink) {
  const auto word = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  const DropoutContext dropout{spec_.model.dropout, word(spec_.seed), word(step), word(first)};
  const MicroBatch micro = slice(batch, first, spec_.train.micro_batch, device_);
  return differentiate(model_, micro, {rules_, dropout, observer},
                       {static_cast<double>(batch.targets), loss_scale}, sink);
}

Tape::LeafSink Trainer::gradient_sink(bool last_micro_batch) {
  if (reducer_ == nullptr || !last_micro_batch) return into(parameters_);
  return [this, add = into(parameters_)](std::size_t index, at::Tensor gradient) {
    add(index, std::move(gradient));
    reducer_->reduce(index, parameters_.gradient(index));
  };
}

void Trainer::locate(const Gradients& gradients, NonFiniteEvent& event) {
  if (std::exchange(located_, true)) return;
  // Nobody needs the gradients of a run that ends here: the peak of memory stays what it was.
  if (spec_.train.on_nonfinite == OnNonfinite::kStop) parameters_.clear_gradients();
  NonFiniteOrigin origin;
  const std::int64_t micro_batch = spec_.train.micro_batch;
  for (std::int64_t first = 0; first < gradients.batch.samples && !origin.found();
       first += micro_batch) {
    if (event.micro_step >= 0 && first / micro_batch != event.micro_step) continue;
    differentiate_at(gradients.batch, event.step, first, gradients.event.loss_scale.value_or(1.0),
                     &origin, [](std::size_t, const at::Tensor&) {});
  }
  if (!origin.found()) return;
  event.phase = to_string(origin.phase());
  event.operation = origin.operation();
  event.module = origin.module();
  event.layer = origin.layer();
}

std::optional<NonFiniteEvent> Trainer::apply_gradients(Gradients& gradients) {
  StepEvent& event = gradients.event;
  event.updates =
      update_.apply(gradients.window, event.learning_rate, static_cast<std::uint32_t>(event.step));
  if (!event.skipped)
    return first_nonfinite_parameter(event.step, parameters_, to_string(spec_.train.optimizer));
  if (!update_.scaler_is_exhausted()) return std::nullopt;
  auto nonfinite = first_nonfinite_gradient(event.step, parameters_, event.grad_norm);
  if (nonfinite) locate(gradients, *nonfinite);
  return nonfinite;
}

std::int64_t Trainer::evaluation_examples() const {
  return std::min(spec_.train.eval_examples, source_.examples(Split::kValidation));
}

Evaluation Trainer::evaluate() const {
  const TaskEngine& task = task_engine(to_string(spec_.objective));
  const std::unique_ptr<Scores> scores = task.scores ? task.scores(shape_.labels) : nullptr;
  return dtbench::evaluate(model_, rules_, source_, evaluation_examples(), spec_.train.micro_batch,
                           scores.get(), device_);
}

}  // namespace dtbench
