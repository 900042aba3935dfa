#include "analysis/loss_curves.h"

#include <algorithm>
#include <cmath>

#include "record/run_directory.h"

namespace dtbench {

std::optional<CurveDistance> curve_distance(const std::vector<double>& a,
                                            const std::vector<double>& b) {
  CurveDistance distance{0, 0, 0};
  for (std::size_t step = 0; step < std::min(a.size(), b.size()); ++step) {
    if (!std::isfinite(a[step]) || !std::isfinite(b[step])) break;
    const double apart = std::fabs(a[step] - b[step]);
    distance.max = std::max(distance.max, apart);
    distance.mean += apart;
    ++distance.steps;
  }
  if (distance.steps == 0) return std::nullopt;
  distance.mean /= static_cast<double>(distance.steps);
  return distance;
}

const StepColumns& LossCurves::steps_of(const std::filesystem::path& run) {
  const auto [place, is_new] = runs_.try_emplace(run);
  if (is_new) place->second = read_step_columns(run / "steps.jsonl");
  return place->second;
}

const ValidationCurve& LossCurves::validation_of(const std::filesystem::path& run,
                                                 const Json& spec) {
  const auto [place, is_new] = validation_.try_emplace(run);
  if (is_new)
    place->second = validation_curve(spec, read_lines(run / "events.jsonl"), steps_of(run));
  return place->second;
}

}  // namespace dtbench
