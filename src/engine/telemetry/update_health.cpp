#include "engine/telemetry/update_health.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/numerics/scalar_type.h"
#include "engine/optim/moments.h"

namespace dtbench {
namespace {

// Elements at a time: temporaries stay in a core's second cache, and few on a GPU, where every part
// is waited for.
std::int64_t part_size(const c10::Device& device) {
  return std::int64_t{1} << (device.is_cpu() ? 16 : 22);
}

double sum_of_squares(const at::Tensor& x) {
  return x.square().sum(at::kDouble).item<double>();
}

struct Tensors1d {
  at::Tensor weight, exp_avg, exp_avg_sq, gradient, before;  // the last two may be undefined

  Tensors1d part(std::int64_t begin, std::int64_t count) const {
    const auto narrow = [&](const at::Tensor& x) {
      return x.defined() ? x.narrow(0, begin, count) : x;
    };
    return {narrow(weight), narrow(exp_avg), narrow(exp_avg_sq), narrow(gradient), narrow(before)};
  }
};

// One parameter, part by part.
class UpdateSums {
 public:
  UpdateSums(const Trainer& trainer, const Trainer::Gradients& gradients,
             const Parameter& parameter, bool with_exponents)
      : rate_(gradients.event.learning_rate),
        gradient_factor_(gradients.window.factor),
        epsilon_(trainer.spec().policy.epsilon),
        with_exponents_(with_exponents) {
    const TrainSpec& train = trainer.spec().train;
    const auto updates = static_cast<double>(trainer.update().updates());
    first_ = 1 - std::pow(train.beta1, updates);
    second_ = 1 - std::pow(train.beta2, updates);
    decay_ = parameter.kind == ParameterKind::kVector ? 0 : train.weight_decay;
  }

  void add(const Tensors1d& part) {
    const at::Tensor m = part.exp_avg.to(at::kFloat), v = part.exp_avg_sq.to(at::kFloat);
    underflowed_ += underflowed(m, v);
    const at::Tensor v_hat = v / second_;
    const at::Tensor step = (m / first_).div_(v_hat.sqrt().add_(epsilon_));
    // NaN, of a state that is not finite, is larger than nothing.
    longest_ = std::max(longest_, step.abs().max().item<double>());
    step_squares_ += sum_of_squares(step);
    weight_squares_ += sum_of_squares(part.weight.to(at::kFloat));
    if (part.gradient.defined()) add_gradient(part.gradient, v_hat);
    if (part.before.defined()) add_applied(part, step);
  }

  UpdateHealth result(const Parameter& parameter) const {
    UpdateHealth health{parameter.name, parameter.layer, parameter.value.numel(), underflowed_};
    const auto elements = static_cast<double>(health.elements);
    health.longest = longest_;
    health.size = std::sqrt(step_squares_ / elements);
    if (weight_squares_ > 0) health.to_weight = rate_ * std::sqrt(step_squares_ / weight_squares_);
    if (gradients_) health.log_rms = 0.5 * std::log(*gradients_ / elements);
    if (!applied_) return health;
    health.applied = applied_;
    health.lost = static_cast<double>(lost_) / elements;
    if (update_squares_ > 0) health.descent_quality = in_common_ / update_squares_;
    return health;
  }

 private:
  void add_gradient(const at::Tensor& gradient, const at::Tensor& v_hat) {
    const at::Tensor g = gradient.to(at::kFloat) * gradient_factor_;
    gradients_ =
        gradients_.value_or(0) +
        (g.square() / v_hat.clamp_min(epsilon_ * epsilon_)).sum(at::kDouble).item<double>();
  }

  void add_applied(const Tensors1d& part, const at::Tensor& step) {
    const at::Tensor before = part.before.to(step.device()).to(at::kFloat);
    const at::Tensor update = (step + before * decay_).mul_(-rate_);
    const at::Tensor applied = part.weight.to(at::kFloat) - before;
    lost_ += at::logical_and(update != 0, applied == 0).sum().item<std::int64_t>();
    in_common_ += (update * applied).sum(at::kDouble).item<double>();
    update_squares_ += sum_of_squares(update);
    const NumberSummary numbers = summary_of(applied, with_exponents_);
    if (applied_)
      *applied_ += numbers;
    else
      applied_ = numbers;
  }

  double rate_, gradient_factor_, epsilon_;
  double first_ = 1, second_ = 1, decay_ = 0;
  bool with_exponents_;
  std::int64_t underflowed_ = 0, lost_ = 0;
  double longest_ = 0, step_squares_ = 0, weight_squares_ = 0;
  double in_common_ = 0, update_squares_ = 0;
  std::optional<double> gradients_;
  std::optional<NumberSummary> applied_;
};

at::Tensor flat(const at::Tensor& x) {
  return x.defined() ? x.flatten() : x;
}

}  // namespace

WeightCopy::WeightCopy(const ParameterSet& parameters) {
  for (const Parameter& parameter : parameters.all()) {
    const at::Tensor here = parameter.value.cpu().contiguous();
    std::memcpy(bytes_.emplace_back(here.nbytes()).data(), here.const_data_ptr(), here.nbytes());
  }
}

at::Tensor WeightCopy::of(const Parameter& parameter) const {
  return at::from_blob(bytes_[parameter.index].data(), {parameter.value.numel()},
                       at::TensorOptions(parameter.value.scalar_type()));
}

std::vector<UpdateHealth> update_health(const Trainer& trainer, const Trainer::Gradients& gradients,
                                        const WeightCopy* before, bool with_exponents) {
  std::vector<UpdateHealth> all;
  if (trainer.update().updates() == 0) return all;
  const Moments moments(trainer.update().optimizer());
  const std::int64_t size = part_size(trainer.device());
  for (const Parameter& parameter : trainer.parameters().all()) {
    const at::Tensor m = moments.of("exp_avg", parameter), v = moments.of("exp_avg_sq", parameter);
    if (!is_floating(m) || !is_floating(v)) continue;
    const Tensors1d whole{parameter.value.flatten(), m.flatten(), v.flatten(),
                          flat(trainer.parameters().gradient(parameter.index)),
                          before == nullptr ? at::Tensor() : before->of(parameter)};
    UpdateSums sums(trainer, gradients, parameter, with_exponents);
    for (std::int64_t begin = 0; begin < parameter.value.numel(); begin += size)
      sums.add(whole.part(begin, std::min(size, parameter.value.numel() - begin)));
    all.push_back(sums.result(parameter));
  }
  return all;
}

Json to_json(const UpdateHealth& update) {
  const double underflowed =
      static_cast<double>(update.underflowed) / static_cast<double>(update.elements);
  return {{"parameter", update.parameter},
          {"layer", index_or_null(update.layer)},
          {"longest_rates", json_number(update.longest)},
          {"rms_rates", json_number(update.size)},
          {"to_weight", json_number(update.to_weight)},
          {"underflowed", underflowed},
          {"log_rms", number_or_null(update.log_rms)},
          {"lost", number_or_null(update.lost)},
          {"descent_quality", number_or_null(update.descent_quality)}};
}

}  // namespace dtbench
