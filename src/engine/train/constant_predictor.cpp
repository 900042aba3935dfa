#include "engine/train/constant_predictor.h"

#include <algorithm>

#include "data/baselines.h"

namespace dtbench {

ConstantPredictor constant_predictor(const TokenStore& store, const BatchSource& source,
                                     std::int64_t evaluated, std::int64_t outcomes,
                                     bool language_model) {
  std::vector<std::int64_t> training(static_cast<std::size_t>(outcomes));
  std::vector<std::int64_t> validation(static_cast<std::size_t>(outcomes));
  if (language_model) {
    for (const std::uint16_t token : store.tokens(Split::kTrain))
      ++training[token];
  } else {
    for (std::int64_t i = 0; i < store.documents(Split::kTrain); ++i)
      ++training[static_cast<std::size_t>(store.labels(Split::kTrain, i).front())];
  }
  constexpr std::int64_t kBatch = 64;
  for (std::int64_t first = 0; first < evaluated; first += kBatch) {
    const GlobalBatch batch = source.validation_batch(first, std::min(kBatch, evaluated - first));
    const auto* targets = batch.content.targets.const_data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < batch.content.targets.numel(); ++i)
      ++validation[static_cast<std::size_t>(targets[i])];
  }
  return {prior_cross_entropy(training, validation), majority_accuracy(training, validation)};
}

}  // namespace dtbench
