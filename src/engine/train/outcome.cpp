#include "engine/train/outcome.h"

#include <cmath>

namespace dtbench {
namespace {

bool within_one_percent(double loss, double of) {
  return std::abs(loss - of) <= 0.01 * of;
}

}  // namespace

std::string outcome(const TrainingState& state, double constant_loss) {
  if (state.first_nonfinite) return "nonfinite";
  if (!state.first_evaluation || !state.last_evaluation) return "";
  const double start = state.first_evaluation->loss, end = state.last_evaluation->loss;
  if (!std::isfinite(end)) return "nonfinite";
  if (state.loss_exploded || (end > constant_loss && end > start)) return "diverged_finite";
  if (within_one_percent(end, constant_loss) || within_one_percent(end, start)) return "stalled";
  return "trained";
}

}  // namespace dtbench
