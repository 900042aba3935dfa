#include "data/baselines.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dtbench {
namespace {

double sum(Counts counts) {
  return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
}

}  // namespace

double prior_cross_entropy(Counts training, Counts validation) {
  const double normalizer = sum(training) + 0.5 * static_cast<double>(training.size());
  double total = 0;
  for (std::size_t i = 0; i < training.size(); ++i)
    total -= static_cast<double>(validation[i]) *
             std::log((static_cast<double>(training[i]) + 0.5) / normalizer);
  return total / sum(validation);
}

double majority_accuracy(Counts training, Counts validation) {
  const auto majority = std::max_element(training.begin(), training.end()) - training.begin();
  return static_cast<double>(validation[static_cast<std::size_t>(majority)]) / sum(validation);
}

double multi_label_prior_loss(Counts training, std::int64_t training_documents, Counts validation,
                              std::int64_t validation_documents) {
  const auto documents = static_cast<double>(validation_documents);
  double total = 0;
  for (std::size_t i = 0; i < training.size(); ++i) {
    const double probability =
        (static_cast<double>(training[i]) + 0.5) / (static_cast<double>(training_documents) + 1);
    const auto positives = static_cast<double>(validation[i]);
    total -= positives * std::log(probability) + (documents - positives) * std::log1p(-probability);
  }
  return total / (documents * static_cast<double>(training.size()));
}

}  // namespace dtbench
