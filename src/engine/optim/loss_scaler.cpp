#include "engine/optim/loss_scaler.h"

#include <ATen/ATen.h>

#include <stdexcept>

#include "engine/numerics/finite.h"

namespace dtbench {

LossScaler::LossScaler(const DynamicLossScale& options)
    : options_(options),
      scale_(at::full({}, options.initial, at::kFloat)),
      growth_tracker_(at::zeros({}, at::kInt)),
      skipped_in_a_row_(at::zeros({}, at::kLong)) {}

double LossScaler::scale() const {
  return scale_.item<float>();
}

double LossScaler::inverse_scale() const {
  return static_cast<float>(1 / scale());
}

bool LossScaler::unscale(const std::vector<at::Tensor>& gradients) const {
  if (gradients.empty()) return false;
  for (const at::Tensor& gradient : gradients)
    if (gradient.scalar_type() != at::kFloat)
      throw std::logic_error("gradients are unscaled in place in fp32 only");
  const at::TensorOptions options = gradients.front().options();
  at::Tensor found = at::zeros({}, options);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found,
                                                 at::full({}, inverse_scale(), options));
  return found.item<float>() != 0;
}

bool LossScaler::any_nonfinite(const std::vector<at::Tensor>& gradients) {
  return find_first_nonfinite(gradients).has_value();
}

void LossScaler::update(bool found_nonfinite) {
  const at::Tensor found = at::full({}, found_nonfinite ? 1.0 : 0.0, at::kFloat);
  at::_amp_update_scale_(scale_, growth_tracker_, found, options_.growth_factor,
                         options_.backoff_factor, options_.growth_interval);
  if (found_nonfinite) {
    skipped_in_a_row_.add_(1);
  } else {
    skipped_in_a_row_.zero_();
  }
}

std::int64_t LossScaler::skipped_in_a_row() const {
  return skipped_in_a_row_.item<std::int64_t>();
}

std::vector<std::pair<std::string, at::Tensor>> LossScaler::named_states() const {
  return {{"loss_scale", scale_},
          {"loss_scale_growth_tracker", growth_tracker_},
          {"loss_scale_skipped_in_a_row", skipped_in_a_row_}};
}

}  // namespace dtbench
