#include "analysis/target_loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "analysis/emulation.h"
#include "analysis/json_access.h"
#include "analysis/median.h"
#include "analysis/paired_metric.h"
#include "analysis/student_t.h"

namespace dtbench {
namespace {

enum class Reach { kReached, kNotReached, kDied };

const char* to_string(Reach value) {
  return value == Reach::kReached ? "reached" : value == Reach::kDied ? "died" : "not_reached";
}

// What training for so long costs, at the rate of the record's price.
std::optional<double> dollars(const Cell& cell, double seconds) {
  const auto price = cell.measured("/price_usd"), wall = cell.measured("/wall_s");
  if (!price || !wall || !(*wall > 0) || !std::isfinite(seconds)) return std::nullopt;
  return *price / *wall * seconds;
}

Json finite_or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

// Null in all members without a crossing.
Json crossing_json(const Cell& cell, const std::optional<Crossing>& crossing) {
  if (!crossing)
    return {{"step", nullptr},
            {"previous_step", nullptr},
            {"seconds", nullptr},
            {"previous_seconds", nullptr},
            {"usd", nullptr}};
  return {{"step", crossing->at.step},
          {"previous_step", crossing->previous.step},
          {"seconds", finite_or_null(crossing->at.seconds)},
          {"previous_seconds", finite_or_null(crossing->previous.seconds)},
          {"usd", finite_or_null(dollars(cell, crossing->at.seconds))}};
}

Json best_loss(const ValidationCurve& curve) {
  std::optional<double> best;
  for (const ValidationPoint& point : curve.points)
    if (point.step > 0 && std::isfinite(point.loss) && (!best || point.loss < *best))
      best = point.loss;
  return finite_or_null(best);
}

Reach reach_of(const Cell& cell, const std::optional<Crossing>& crossing) {
  if (crossing) return Reach::kReached;
  return cell.finite() ? Reach::kNotReached : Reach::kDied;
}

// The members of each seed that a summary is made of, and its name.
struct Amount {
  const char* name;
  const char* member;
};
constexpr std::array kAmounts = {Amount{"steps", "step"}, Amount{"seconds", "seconds"},
                                 Amount{"usd", "usd"}};

Json own_mean(const Json& by_seed, const char* member) {
  std::vector<double> values;
  for (const Json& each : by_seed)
    if (const auto value = number_or_none(each.at(member))) values.push_back(*value);
  return values.empty() ? Json() : Json(mean_and_spread(values).mean);
}

// Over the seeds that have the member on both sides.
Json ratios(const Json& by_seed, const char* member) {
  std::vector<double> plain, logs;
  for (const Json& each : by_seed) {
    const auto here = number_or_none(each.at(member));
    const auto there = number_or_none(each.at("reference").at(member));
    if (!here || !there || !(*here > 0) || !(*there > 0)) continue;
    plain.push_back(*here / *there);
    logs.push_back(std::log(*here / *there));
  }
  Json json = summary(logs, Effect::kLogRatio);
  std::sort(plain.begin(), plain.end());
  json["median"] = plain.empty() ? Json() : Json(median_of_sorted(plain));
  json["own_mean"] = own_mean(by_seed, member);
  return json;
}

// The widest interval in which a crossing lies; null without any.
Json within_steps(const Json& by_seed) {
  Json widest;
  for (const Json& each : by_seed) {
    if (each.at("step").is_null()) continue;
    const auto width =
        each.at("step").get<std::int64_t>() - each.at("previous_step").get<std::int64_t>();
    widest = widest.is_null() ? width : std::max(widest.get<std::int64_t>(), width);
  }
  return widest;
}

void count(Json& counts, const char* name) {
  counts[name] = counts.value(name, 0) + 1;
}

Json pair_json(const Pair& pair, const Target& target, const ValidationCurve& curve) {
  const auto crossing = first_at_or_below(curve, target.loss);
  Json json = {{"seed", pair.cell->seed},
               {"outcome", to_string(reach_of(*pair.cell, crossing))},
               {"target", target.loss},
               {"best_loss", best_loss(curve)}};
  json.update(crossing_json(*pair.cell, crossing));
  json["reference"] = crossing_json(*pair.reference, target.crossing);
  return json;
}

}  // namespace

std::optional<Crossing> first_at_or_below(const ValidationCurve& curve, double target) {
  const ValidationPoint* previous = nullptr;
  for (const ValidationPoint& point : curve.points) {
    if (point.step > 0 && point.loss <= target)
      return Crossing{point, previous != nullptr ? *previous : ValidationPoint{0, point.loss, 0}};
    previous = &point;
  }
  return std::nullopt;
}

const char* to_string(Target::Missing value) {
  constexpr std::array kNames = {"", "not_finite", "no_points", "not_improved"};
  return kNames[static_cast<std::size_t>(value)];
}

Target target_of(const Cell& reference, const ValidationCurve& curve) {
  const std::int64_t steps = reference.steps_completed();
  if (!reference.finite()) return {Target::Missing::kNotFinite, 0, {}};
  if (!curve.has_way(steps) || curve.points.back().step != steps)
    return {Target::Missing::kNoPoints, 0, {}};
  const double first = curve.points.front().loss, last = curve.points.back().loss;
  if (!std::isfinite(last)) return {Target::Missing::kNotFinite, 0, {}};
  if (curve.points.front().step == 0 && !(last < first))
    return {Target::Missing::kNotImproved, 0, {}};
  return {Target::Missing::kNone, last, *first_at_or_below(curve, last)};
}

Json targets(const std::vector<const Cell*>& references, LossCurves& curves) {
  Json json = {{"on", nullptr},
               {"on_cpu", false},
               {"n", references.size()},
               {"without_target", Json::object()},
               {"by_seed", Json::array()}};
  for (const Cell* reference : references) {
    const ValidationCurve& curve = curves.validation_of(reference->path, reference->spec);
    const Target target = target_of(*reference, curve);
    const bool is_set = target.missing == Target::Missing::kNone;
    if (!is_set) count(json["without_target"], to_string(target.missing));
    Json one = crossing_json(*reference, is_set ? std::optional(target.crossing) : std::nullopt);
    one["seed"] = reference->seed;
    one["missing"] = is_set ? Json() : Json(to_string(target.missing));
    one["target"] = is_set ? Json(target.loss) : Json();
    json["by_seed"].push_back(std::move(one));
    json["on"] = to_string(curve.of);
    json["on_cpu"] = is_cpu(member_or_null(reference->identity, "/device"));
  }
  const Json& by_seed = json.at("by_seed");
  json["target"] = own_mean(by_seed, "target");
  json["within_steps"] = within_steps(by_seed);
  for (const auto& [name, member] : kAmounts)
    json[name] = {{"own_mean", own_mean(by_seed, member)}};
  return json;
}

Json to_target(const std::vector<Pair>& pairs, LossCurves& curves) {
  Json json = {{"n", pairs.size()},
               {"reached", 0},
               {"not_reached", 0},
               {"died", 0},
               {"without_target", Json::object()},
               {"by_seed", Json::array()}};
  for (const Pair& pair : pairs) {
    const Target target = target_of(
        *pair.reference, curves.validation_of(pair.reference->path, pair.reference->spec));
    const ValidationCurve& curve = curves.validation_of(pair.cell->path, pair.cell->spec);
    Target::Missing missing = target.missing;
    if (missing == Target::Missing::kNone && pair.cell->finite() &&
        !curve.has_way(pair.cell->steps_completed()))
      missing = Target::Missing::kNoPoints;
    if (missing != Target::Missing::kNone) {
      count(json["without_target"], to_string(missing));
      continue;
    }
    Json one = pair_json(pair, target, curve);
    count(json, one.at("outcome").get<std::string>().c_str());
    json["by_seed"].push_back(std::move(one));
  }
  const Json& by_seed = json.at("by_seed");
  json["within_steps"] = within_steps(by_seed);
  for (const auto& [name, member] : kAmounts)
    json[name] = ratios(by_seed, member);
  return json;
}

}  // namespace dtbench
