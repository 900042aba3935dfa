#include "engine/telemetry/update_losses.h"

namespace dtbench {
namespace {

double total(const std::vector<Json>& steps, const char* field) {
  double sum = 0;
  for (const Json& step : steps)
    sum += step.at(field).get<double>();
  return sum;
}

Json share(double part, double whole) {
  return whole > 0 ? Json(part / whole) : Json();
}

}  // namespace

Json update_losses(const std::vector<Json>& steps) {
  const double updated = total(steps, "updated_elements");
  return {{"lost_weight_update_share", share(total(steps, "lost_weight_updates"), updated)},
          {"lost_v_update_share", share(total(steps, "lost_v_updates"), updated)},
          {"zero_point_share",
           share(total(steps, "zero_point_hits"), total(steps, "eight_bit_elements"))}};
}

Json loss_scale(const std::vector<Json>& steps) {
  if (steps.empty() || steps.back().at("loss_scale").is_null()) return nullptr;
  std::int64_t skipped = 0;
  for (const Json& step : steps)
    skipped += step.at("skipped").get<bool>() ? 1 : 0;
  return {{"final", steps.back().at("loss_scale")}, {"skipped_steps", skipped}};
}

}  // namespace dtbench
