#include "analysis/loss_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/json_access.h"
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

const std::vector<double>& LossCurves::of(const std::filesystem::path& run) {
  const auto [place, is_new] = curves_.try_emplace(run);
  if (is_new)
    for (const Json& step : read_lines(run / "steps.jsonl"))
      place->second.push_back(number_or_none(member_or_null(step, "/loss"))
                                  .value_or(std::numeric_limits<double>::quiet_NaN()));
  return place->second;
}

}  // namespace dtbench
