#include "analysis/validation_curve.h"

#include <algorithm>
#include <limits>
#include <map>

#include "analysis/json_access.h"

namespace dtbench {
namespace {

bool evaluates_along_the_way(const Json& spec) {
  const Json every = member_or_null(spec, "/train/eval_every");
  const Json steps = member_or_null(spec, "/train/steps");
  return every.is_number_integer() && steps.is_number_integer() && every > 0 && every < steps;
}

// seconds[k]: of the first k steps.
std::vector<double> elapsed(const StepColumns& steps) {
  std::vector<double> seconds = {0};
  for (const double ms : steps.step_ms)
    seconds.push_back(seconds.back() + ms / 1e3);
  return seconds;
}

}  // namespace

bool ValidationCurve::has_way(std::int64_t steps) const {
  return std::any_of(points.begin(), points.end(), [&](const ValidationPoint& point) {
    return point.step > 0 && point.step < steps;
  });
}

const char* to_string(ValidationCurve::Of value) {
  return value == ValidationCurve::Of::kEvaluations ? "evaluations" : "points";
}

ValidationCurve validation_curve(const Json& spec, const std::vector<Json>& events,
                                 const StepColumns& steps) {
  ValidationCurve curve;
  if (evaluates_along_the_way(spec)) curve.of = ValidationCurve::Of::kEvaluations;
  // A point is evaluated in passing by an evaluation of its step.
  const char* member = curve.of == ValidationCurve::Of::kEvaluations ? "/val_loss" : "/point_loss";
  std::map<std::int64_t, double> losses;
  for (const Json& line : events) {
    const Json step = member_or_null(line, "/step");
    const auto loss = number_or_none(member_or_null(line, member));
    if (step.is_number_integer() && step >= 0 && loss) losses[step.get<std::int64_t>()] = *loss;
  }
  const std::vector<double> seconds = elapsed(steps);
  for (const auto& [step, loss] : losses) {
    const auto place = static_cast<std::size_t>(step);
    curve.points.push_back(
        {step, loss,
         place < seconds.size() ? seconds[place] : std::numeric_limits<double>::quiet_NaN()});
  }
  return curve;
}

}  // namespace dtbench
