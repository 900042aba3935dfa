#include "engine/train/metrics.h"

namespace dtbench {

SingleLabelMetrics single_label_metrics(const std::vector<std::int64_t>& predicted,
                                        const std::vector<std::int64_t>& targets,
                                        std::int64_t labels) {
  const auto width = static_cast<std::size_t>(labels);
  std::vector<double> hits(width), predictions(width), support(width);
  double all_hits = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto guess = static_cast<std::size_t>(predicted[i]);
    const auto truth = static_cast<std::size_t>(targets[i]);
    predictions[guess] += 1;
    support[truth] += 1;
    if (guess == truth) {
      hits[truth] += 1;
      all_hits += 1;
    }
  }
  double f1_sum = 0, supported = 0;
  for (std::size_t label = 0; label < width; ++label) {
    if (support[label] == 0) continue;
    supported += 1;
    f1_sum += 2 * hits[label] / (predictions[label] + support[label]);
  }
  const double accuracy = all_hits / static_cast<double>(targets.size());
  return {accuracy, accuracy, f1_sum / supported};
}

}  // namespace dtbench
