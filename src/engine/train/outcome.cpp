#include "engine/train/outcome.h"

#include <cmath>

namespace dtbench {
namespace {

// At least 1 % below.
bool below(double loss, double reference) {
  return loss < 0.99 * reference;
}

}  // namespace

std::optional<Outcome> outcome(const TrainingState& state, double constant_loss, StartOf weights) {
  if (state.first_nonfinite) return Outcome::kNonfinite;
  if (!state.first_evaluation || !state.last_evaluation) return std::nullopt;
  const double start = state.first_evaluation->loss, end = state.last_evaluation->loss;
  if (!std::isfinite(end)) return Outcome::kNonfinite;
  if (state.loss_exploded || (end > constant_loss && end > start)) return Outcome::kDivergedFinite;
  const bool improved = weights == StartOf::kPretrained ? end <= start : below(end, start);
  return below(end, constant_loss) && improved ? Outcome::kTrained : Outcome::kStalled;
}

}  // namespace dtbench
