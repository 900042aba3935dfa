#include "engine/optim/loss_scaler.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "engine/numerics/finite.h"

namespace dtbench {

constexpr std::int64_t kMostSkipsInARow = 50;

LossScaler::LossScaler(const DynamicLossScale& options, const c10::Device& device)
    : options_(options),
      scale_(at::full({}, options.initial, at::TensorOptions(device).dtype(at::kFloat))),
      growth_tracker_(at::zeros({}, at::TensorOptions(device).dtype(at::kInt))),
      skips_in_a_row_(at::zeros({}, at::kLong)) {}

double LossScaler::scale() const {
  return scale_.item<float>();
}

bool LossScaler::unscale(const std::vector<at::Tensor>& gradients) {
  const c10::NoGradGuard no_grad;
  at::Tensor found = at::zeros({}, scale_.options());
  // As torch: the reciprocal in double, rounded once.
  const at::Tensor inverse = scale_.to(at::kDouble).reciprocal().to(at::kFloat);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found, inverse);
  return found.item<float>() != 0;
}

bool LossScaler::has_nonfinite(const std::vector<at::Tensor>& gradients) const {
  return std::any_of(gradients.begin(), gradients.end(), [](const at::Tensor& gradient) {
    return static_cast<bool>(find_nonfinite(gradient));
  });
}

void LossScaler::update(bool skipped) {
  const c10::NoGradGuard no_grad;
  const at::Tensor found = at::full({}, skipped ? 1.0 : 0.0, scale_.options());
  at::_amp_update_scale_(scale_, growth_tracker_, found, options_.growth_factor,
                         options_.backoff_factor, options_.growth_interval);
  if (skipped)
    skips_in_a_row_.add_(1);
  else
    skips_in_a_row_.zero_();
}

bool LossScaler::exhausted() const {
  return skips_in_a_row_.item<std::int64_t>() >= kMostSkipsInARow || scale() < 1;
}

std::vector<std::pair<std::string, at::Tensor>> LossScaler::named_states() const {
  return {{"loss_scale", scale_},
          {"loss_scale_growth_tracker", growth_tracker_},
          {"loss_scale_skips_in_a_row", skips_in_a_row_}};
}

}  // namespace dtbench
