#include "engine/forensics/update_watch.h"

#include <ATen/ATen.h>

#include <cmath>

#include "engine/forensics/magnitude.h"
#include "engine/numerics/scalar_type.h"
#include "engine/optim/moments.h"

namespace dtbench {
namespace {

at::Tensor copy(const at::Tensor& x) {
  return x.defined() ? x.clone() : x;
}

double element_of(const at::Tensor& x, std::int64_t element) {
  return x.defined() ? x.flatten()[element].item<double>() : 0.0;
}

// |new - decayed old| less what rounding the new weight can have added, [numel] fp32.
at::Tensor moved(const at::Tensor& before, const at::Tensor& after, double decay) {
  const at::Tensor now = after.to(at::kFloat).flatten();
  const at::Tensor distance = (now - before.to(at::kFloat).flatten() * decay).abs_();
  return distance - now.abs() * epsilon(dtype_of(after.scalar_type()));
}

}  // namespace

UpdateWatch::UpdateWatch(const Trainer& trainer) {
  const Moments moments(trainer.update().optimizer());
  for (const Parameter& parameter : trainer.parameters().all()) {
    weights_.push_back(parameter.value.clone());
    exp_avgs_.push_back(copy(moments.of("exp_avg", parameter)));
    exp_avg_sqs_.push_back(copy(moments.of("exp_avg_sq", parameter)));
  }
}

UpdateSignals UpdateWatch::compare(const Trainer& trainer,
                                   const Trainer::Gradients& gradients) const {
  UpdateSignals signals;
  const double rate = gradients.event.learning_rate;
  const Moments moments(trainer.update().optimizer());
  std::int64_t elements = 0, flushed = gradients.event.updates.zero_point_hits;
  for (const Parameter& parameter : trainer.parameters().all()) {
    const std::size_t i = parameter.index;
    const bool decays = parameter.kind != ParameterKind::kVector;
    const at::Tensor steps = moved(weights_[i], parameter.value,
                                   decays ? 1 - rate * trainer.spec().train.weight_decay : 1.0);
    const at::Tensor exp_avg = moments.of("exp_avg", parameter);
    const at::Tensor exp_avg_sq = moments.of("exp_avg_sq", parameter);
    elements += parameter.value.numel();
    if (exp_avg.defined() && exp_avg_sq.defined() && exp_avg.scalar_type() != at::kByte)
      flushed += underflowed(exp_avg, exp_avg_sq);
    const std::int64_t nonfinite = first_nonfinite_element(steps);
    const std::int64_t at = nonfinite >= 0 ? nonfinite : steps.argmax().item<std::int64_t>();
    const double longest = nonfinite >= 0 ? INFINITY : element_of(steps, at) / rate;
    if (!(longest > signals.longest.rates)) continue;
    signals.longest = {longest,
                       parameter.name,
                       parameter.layer,
                       at,
                       element_of(weights_[i], at),
                       element_of(parameter.value, at),
                       element_of(trainer.parameters().gradient(i), at) * gradients.window.factor,
                       element_of(exp_avgs_[i], at),
                       element_of(exp_avg, at),
                       element_of(exp_avg_sqs_[i], at),
                       element_of(exp_avg_sq, at),
                       exp_avg_sq.defined() ? short_name(exp_avg_sq.scalar_type()) : "",
                       trainer.update().updates()};
  }
  signals.flushed_share =
      elements > 0 ? static_cast<double>(flushed) / static_cast<double>(elements) : 0;
  return signals;
}

}  // namespace dtbench
