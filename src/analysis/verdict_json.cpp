#include "analysis/verdict_json.h"

#include <algorithm>
#include <cmath>

#include "analysis/json_access.h"
#include "base/text.h"

namespace dtbench {
namespace {

const char* unit_of(Estimand estimand) {
  switch (estimand) {
    case Estimand::kStableRate:
      return "octaves";
    case Estimand::kSurvival:
      return "difference of shares";
    case Estimand::kSpeedup:
      return "ratio";
    case Estimand::kNonInferiority:
      break;
  }
  return "average precision beyond the margin";
}

// Parts of a speed-up are logarithms, and read as ratios.
double shown(double value, const Hypothesis& hypothesis) {
  return hypothesis.estimand == Estimand::kSpeedup ? std::exp(value) : value;
}

void put_values(Json& json, const std::optional<double>& estimate, const Interval& interval,
                const Judged& judged, const Hypothesis& hypothesis) {
  json["estimate"] = estimate ? json_number(shown(*estimate, hypothesis)) : Json();
  put_interval(json, Interval{shown(interval.low, hypothesis), shown(interval.high, hypothesis)});
  json["level"] = 1 - judged.alpha;
  json["side"] = to_string(side_of(interval, judged.finding.threshold));
}

}  // namespace

Json interval_json(const Judged& judged, const Hypothesis& hypothesis) {
  if (!judged.finding.not_testable.empty()) return nullptr;
  std::optional<double> estimate;
  for (const Part& part : judged.finding.parts) {
    if (!part.estimate) {
      estimate.reset();
      break;
    }
    estimate = estimate ? std::min(*estimate, *part.estimate) : *part.estimate;
  }
  Json json = {{"threshold", shown(judged.finding.threshold, hypothesis)},
               {"unit", unit_of(hypothesis.estimand)}};
  put_values(json, estimate, judged.interval, judged, hypothesis);
  return json;
}

Json parts_json(const Judged& judged, const Hypothesis& hypothesis) {
  Json list = Json::array();
  for (const Part& part : judged.finding.parts) {
    Json json = part.evidence;
    json["part"] = part.name;
    put_values(json, part.estimate, part.interval(judged.alpha), judged, hypothesis);
    list.push_back(std::move(json));
  }
  return list;
}

std::string interval_words(const Judged& judged, const Hypothesis& hypothesis) {
  const bool is_ratio = hypothesis.estimand == Estimand::kSpeedup;
  const bool is_score = hypothesis.estimand == Estimand::kNonInferiority;
  const char* format = is_score ? "%+.4f" : is_ratio ? "%.3f" : "%+.2f";
  return concat("[", formatted(format, shown(judged.interval.low, hypothesis)), ", ",
                formatted(format, shown(judged.interval.high, hypothesis)), "] ",
                unit_of(hypothesis.estimand));
}

}  // namespace dtbench
