#include "engine/train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "config/hub_address.h"
#include "config/validation_points.h"
#include "engine/model/differentiate.h"
#include "engine/model/initial_weights.h"
#include "engine/model/model_builder.h"
#include "engine/model/module_names.h"
#include "engine/numerics/finite.h"
#include "engine/numerics/scalar_type.h"
#include "engine/optim/schedule.h"
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
    loaded = load_weights({.path = given.empty() ? std::filesystem::path(init) : given,
                           .language_model = is_language_model(spec.objective),
                           .draw_head = spec.model.init_head == InitHead::kDrawn},
                          model_builder(to_string(spec.model.architecture)).weights, parameters);
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

StepEvent describe(const GlobalBatch& batch, const ModelShape& shape, const TrainSpec& train,
                   std::int64_t step) {
  StepEvent event;
  event.step = step;
  event.learning_rate = learning_rate(train.learning_rate, train.warmup_steps, step);
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
  require_excepted_modules(model_, rules_, device);
}

Trainer::Gradients Trainer::compute_gradients(std::int64_t step) {
  const double started = steady_seconds();
  Gradients result{batches_.take(step), {}, {}, std::nullopt};
  result.event = describe(result.batch, shape_, spec_.train, step);
  result.event.data_seconds = steady_seconds() - started;

  // Before the first event of a process is located, the weights must stay as they were.
  update_.begin({step, result.event.learning_rate, static_cast<double>(result.batch.targets),
                 stops_on_nonfinite() || !located_});
  accumulate(result.batch, step);
  update_.finish_gradients();
  // On a CPU it is there already, and the update can still be given up.
  if (device_.is_cpu()) inspect(result);
  return result;
}

void Trainer::accumulate(const GlobalBatch& batch, std::int64_t step) {
  const LossNormalizer normalizer = update_.normalizer();
  const std::int64_t micro_batch = spec_.train.micro_batch;
  const Samples samples = samples_here(batch);
  parameters_.clear_gradients();
  for (std::int64_t first = samples.begin; first < samples.end; first += micro_batch) {
    const bool last = first + micro_batch >= samples.end;
    update_.record_loss(first / micro_batch, differentiate_at(batch, step, first, normalizer,
                                                              observer_, gradient_sink(last)));
  }
  if (reducer_ != nullptr) reducer_->finish(update_.scalars().losses());
}

Trainer::Samples Trainer::samples_here(const GlobalBatch& batch) const {
  const Share share = reducer_ == nullptr ? Share{} : reducer_->share();
  const std::int64_t count = batch.samples / share.count;
  return {share.index * count, (share.index + 1) * count};
}

at::Tensor Trainer::differentiate_at(const GlobalBatch& batch, std::int64_t step,
                                     std::int64_t first, const LossNormalizer& normalizer,
                                     NodeObserver* observer, const Tape::LeafSink& sink) {
  const auto word = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  const DropoutContext dropout{spec_.model.dropout, word(spec_.seed), word(step), word(first),
                               &update_.scalars().address()->step};
  const MicroBatch micro = slice(batch, first, spec_.train.micro_batch, device_);
  return differentiate(model_, micro, {rules_, dropout, observer}, normalizer, sink);
}

void Trainer::inspect(Gradients& gradients) {
  StepEvent& event = gradients.event;
  gradients.window = update_.read();
  gradients.inspected = true;
  const at::Tensor losses = update_.losses();
  event.loss = losses.sum().item<double>();
  event.grad_norm = gradients.window.grad_norm;
  event.skipped = gradients.window.skipped;
  if (update_.scaler()) event.loss_scale = update_.scalars().known().loss_scale_in_force;
  if (event.skipped) return;
  gradients.nonfinite = first_nonfinite_loss(event.step, losses);
  if (!gradients.nonfinite)
    gradients.nonfinite = first_nonfinite_gradient(event.step, parameters_, event.grad_norm);
  if (gradients.nonfinite) locate(gradients, *gradients.nonfinite);
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
  if (stops_on_nonfinite()) parameters_.clear_gradients();
  std::optional<NonFiniteOrigin::Place> place = find_origin(gradients, event.micro_step);
  if (reducer_ != nullptr) place = reducer_->first_found(place);
  if (!place) return;
  event.phase = place->phase;
  event.operation = place->operation;
  event.module = place->module;
  event.layer = place->layer;
}

std::optional<NonFiniteOrigin::Place> Trainer::find_origin(const Gradients& gradients,
                                                           std::int64_t micro_step) {
  NonFiniteOrigin origin;
  const std::int64_t micro_batch = spec_.train.micro_batch;
  const LossNormalizer normalizer = update_.normalizer();
  const Samples samples = samples_here(gradients.batch);
  for (std::int64_t first = samples.begin; first < samples.end && !origin.found();
       first += micro_batch) {
    if (micro_step >= 0 && first / micro_batch != micro_step) continue;
    differentiate_at(gradients.batch, gradients.event.step, first, normalizer, &origin,
                     [](std::size_t, const at::Tensor&) {});
  }
  return origin.found();
}

void Trainer::repeat_passes(const Gradients& gradients, NodeObserver& observer) {
  const LossNormalizer normalizer = update_.normalizer();
  const Samples samples = samples_here(gradients.batch);
  for (std::int64_t first = samples.begin; first < samples.end; first += spec_.train.micro_batch)
    differentiate_at(gradients.batch, gradients.event.step, first, normalizer, &observer,
                     [](std::size_t, const at::Tensor&) {});
}

void Trainer::launch_update(Gradients& gradients) {
  if (gradients.window.held && !stops_on_nonfinite()) {
    gradients.window.held = false;
    update_.release();
  }
  update_.apply();
  const StepScalars* here = update_.scalars().at_hand();
  if (here != nullptr && here->update == 0) return;  // nothing was updated that could be searched
  at::Tensor flags = update_.scalars().tensor(&StepScalars::nonfinite_values);
  flag_nonfinite(parameters_.values(), flags);
}

std::optional<NonFiniteEvent> Trainer::finish_step(Gradients& gradients) {
  if (gradients.inspected) {
    update_.read();  // on a CPU: costs nothing
  } else {
    inspect(gradients);
    if (gradients.window.held && !stops_on_nonfinite()) {
      launch_update(gradients);
      update_.read();
    }
  }
  StepEvent& event = gradients.event;
  event.updates = update_.update_counts();
  if (gradients.nonfinite) return gradients.nonfinite;
  if (!event.skipped) {
    if (update_.scalars().known().nonfinite_values == 0) return std::nullopt;
    return first_nonfinite_parameter(event.step, parameters_, to_string(spec_.train.optimizer));
  }
  if (!update_.scaler_is_exhausted()) return std::nullopt;
  auto nonfinite = first_nonfinite_gradient(event.step, parameters_, event.grad_norm);
  if (nonfinite) locate(gradients, *nonfinite);
  return nonfinite;
}

std::optional<NonFiniteEvent> Trainer::apply_gradients(Gradients& gradients) {
  launch_update(gradients);
  return finish_step(gradients);
}

std::int64_t Trainer::evaluation_examples() const {
  return std::min(spec_.train.eval_examples, source_.examples(Split::kValidation));
}

std::int64_t Trainer::point_examples() const {
  return std::min(dtbench::point_examples(spec_.train), evaluation_examples());
}

Evaluation Trainer::evaluate() const {
  const TaskEngine& task = task_engine(to_string(spec_.objective));
  const std::unique_ptr<Scores> scores = task.scores ? task.scores(shape_.labels) : nullptr;
  return dtbench::evaluate(model_, rules_, source_,
                           {evaluation_examples(), point_examples(), spec_.train.micro_batch},
                           scores.get(), device_);
}

double Trainer::evaluate_point() const {
  const std::int64_t examples = point_examples();
  return dtbench::evaluate(model_, rules_, source_, {examples, examples, spec_.train.micro_batch},
                           nullptr, device_)
      .loss;
}

}  // namespace dtbench
