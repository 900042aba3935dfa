#include "sweep/prediction.h"

#include <algorithm>

#include "config/validation_points.h"
#include "record/status.h"

namespace dtbench {
namespace {

std::int64_t evaluations(std::int64_t every, std::int64_t steps) {
  return 2 + (every > 0 ? (steps - 1) / every : 0);
}

// A validation point costs what its share of an evaluation's examples does.
double points_in_evaluations(const TrainSpec& train, std::int64_t steps) {
  return static_cast<double>(points_within(train, steps) * point_examples(train)) /
         static_cast<double>(train.eval_examples);
}

// `event`: of lines with another one nothing counts; null: all lines.
double sum_over(const std::vector<Json>& lines, const Json& event, const char* member,
                double& count) {
  double sum = 0;
  for (const Json& line : lines) {
    if (!event.is_null() && member_or_null(line, "/event") != event) continue;
    const Json value = member_or_null(line, member);
    if (!value.is_number()) continue;
    sum += value.get<double>();
    ++count;
  }
  return sum;
}

// The median where steps were timed, else the mean of what there is.
double step_seconds(const RunRecord& record) {
  const Json median = member_or_null(record.result, "/throughput/step_ms/median");
  if (median.is_number()) return median.get<double>() / 1e3;
  double count = 0;
  const double sum = sum_over(read_lines(record.path / "steps.jsonl"), nullptr, "/step_ms", count);
  return count > 0 ? sum / count / 1e3 : 0;
}

}  // namespace

double CellTime::seconds(const TrainSpec& train, std::int64_t steps) const {
  return overhead_s + static_cast<double>(steps) * step_s +
         (static_cast<double>(evaluations(train.eval_every, steps)) +
          points_in_evaluations(train, steps)) *
             evaluation_s;
}

std::string kind_of(const RunSpec& spec) {
  Json kind = to_json(spec);
  kind.erase("seed");
  for (const char* member : {"steps", "eval_every", "warmup_steps", "learning_rate", "beta1",
                             "beta2", "weight_decay", "clip_norm", "on_nonfinite"})
    kind["train"].erase(member);
  return canonical_json(kind);
}

void Predictor::learn(const RunSpec& spec, const RunRecord& record, std::optional<double> wall_s) {
  const std::optional<RunResult> result = read_result(record.result);
  if (!result || !is_whole(result->status)) return;
  if (!wall_s) wall_s = result->wall_s;
  const Json steps = member_or_null(record.result, "/steps_completed");
  if (!wall_s || (!steps.is_number() && result->status != Status::kSkipped)) return;

  const std::vector<Json> events = read_lines(record.path / "events.jsonl");
  double evaluated = 0, points = 0;
  const double evaluating = sum_over(events, "evaluation", "/seconds", evaluated);
  const double at_points = sum_over(events, "validation_point", "/seconds", points);
  CellTime time;
  time.step_s = step_seconds(record);
  time.evaluation_s = evaluated > 0 ? evaluating / evaluated : 0;
  const double training = steps.is_number() ? steps.get<double>() * time.step_s : 0;
  time.overhead_s = std::max(0.0, *wall_s - training - evaluating - at_points);

  Sum& sum = kinds_[kind_of(spec)];
  sum.total.overhead_s += time.overhead_s;
  sum.total.step_s += time.step_s;
  sum.total.evaluation_s += time.evaluation_s;
  ++sum.records;
}

std::optional<CellTime> Predictor::time(const RunSpec& spec) const {
  const auto found = kinds_.find(kind_of(spec));
  if (found == kinds_.end()) return std::nullopt;
  const auto& [total, records] = found->second;
  return CellTime{total.overhead_s / records, total.step_s / records, total.evaluation_s / records};
}

std::optional<double> Predictor::seconds(const RunSpec& spec) const {
  const std::optional<CellTime> its = time(spec);
  return its ? std::optional(its->seconds(spec.train, spec.train.steps)) : std::nullopt;
}

}  // namespace dtbench
