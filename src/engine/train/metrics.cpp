#include "engine/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace dtbench {
namespace {

// Predictions and truth of each label, and where they meet.
struct LabelCounts {
  explicit LabelCounts(std::int64_t labels)
      : hits(static_cast<std::size_t>(labels)), predicted(hits), truth(hits) {}

  double f1_micro() const {
    double all_hits = 0, all_predicted = 0, all_true = 0;
    for (std::size_t label = 0; label < hits.size(); ++label) {
      all_hits += hits[label];
      all_predicted += predicted[label];
      all_true += truth[label];
    }
    return f1_score(all_hits, all_predicted, all_true);
  }

  double f1_macro() const {
    double sum = 0, supported = 0;
    for (std::size_t label = 0; label < hits.size(); ++label) {
      if (truth[label] == 0) continue;
      sum += f1_score(hits[label], predicted[label], truth[label]);
      supported += 1;
    }
    return supported == 0 ? 0 : sum / supported;
  }

  std::vector<double> hits, predicted, truth;
};

// Recall rises at scores of true entries only, so each entry is counted at the highest of these
// scores that it reaches, and those that reach none do not matter.
std::vector<ScoreGroup> score_groups(std::span<const float> scores,
                                     std::span<const std::uint8_t> truth) {
  std::vector<float> thresholds;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (truth[i] != 0) thresholds.push_back(scores[i]);
  std::sort(thresholds.begin(), thresholds.end(), std::greater<>());
  thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());

  std::vector<ScoreGroup> groups(thresholds.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto reached =
        std::lower_bound(thresholds.begin(), thresholds.end(), scores[i], std::greater<>());
    if (reached == thresholds.end()) continue;
    ScoreGroup& group = groups[static_cast<std::size_t>(reached - thresholds.begin())];
    group.entries += 1;
    group.positives += truth[i];
  }
  return groups;
}

}  // namespace

double f1_score(double hits, double predicted, double truth) {
  return predicted + truth == 0 ? 0 : 2 * hits / (predicted + truth);
}

double average_precision(std::span<const ScoreGroup> groups) {
  double total = 0;
  for (const ScoreGroup& group : groups)
    total += group.positives;
  if (total == 0) return 0;
  double sum = 0;
  ScoreGroup reached;
  for (const ScoreGroup& group : groups) {
    reached.entries += group.entries;
    reached.positives += group.positives;
    if (group.positives > 0) sum += group.positives / total * reached.positives / reached.entries;
  }
  return sum;
}

SingleLabelMetrics single_label_metrics(const std::vector<std::int64_t>& predicted,
                                        const std::vector<std::int64_t>& targets,
                                        std::int64_t labels) {
  LabelCounts counts(labels);
  double hits = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto guess = static_cast<std::size_t>(predicted[i]);
    const auto truth = static_cast<std::size_t>(targets[i]);
    counts.predicted[guess] += 1;
    counts.truth[truth] += 1;
    if (guess != truth) continue;
    counts.hits[truth] += 1;
    hits += 1;
  }
  const double accuracy = hits / static_cast<double>(targets.size());
  return {accuracy, accuracy, counts.f1_macro()};
}

MultiLabelMetrics multi_label_metrics(std::span<const float> logits,
                                      std::span<const std::uint8_t> truth, std::int64_t labels) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const auto is_nan = [](float logit) { return std::isnan(logit); };
  if (std::any_of(logits.begin(), logits.end(), is_nan)) return {kNaN, kNaN, kNaN};
  LabelCounts counts(labels);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const std::size_t label = i % static_cast<std::size_t>(labels);
    const bool predicted = logits[i] > 0, is_true = truth[i] != 0;
    counts.predicted[label] += predicted;
    counts.truth[label] += is_true;
    counts.hits[label] += predicted && is_true;
  }
  return {counts.f1_micro(), counts.f1_macro(), average_precision(score_groups(logits, truth))};
}

}  // namespace dtbench
