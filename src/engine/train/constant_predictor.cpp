#include "engine/train/constant_predictor.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "engine/train/metrics.h"
#include "engine/train/task_engine.h"

namespace dtbench {
namespace {

using CountVector = std::vector<std::int64_t>;

double sum(Counts counts) {
  return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
}

double supported(Counts counts) {
  return static_cast<double>(
      std::count_if(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; }));
}

CountVector training_tokens(const TokenStore& store, bool masked) {
  CountVector counts(static_cast<std::size_t>(store.meta().vocab_size));
  for (const std::uint16_t token : store.tokens(Split::kTrain))
    ++counts[token];
  if (masked)
    for (const std::int64_t special : store.meta().special_token_ids)
      counts[static_cast<std::size_t>(special)] = 0;
  return counts;
}

CountVector evaluated_targets(const TokenStore& store, const BatchSource& source,
                              std::int64_t evaluated) {
  CountVector counts(static_cast<std::size_t>(store.meta().vocab_size));
  constexpr std::int64_t kBatch = 64;
  for (std::int64_t first = 0; first < evaluated; first += kBatch) {
    const GlobalBatch batch = source.validation_batch(first, std::min(kBatch, evaluated - first));
    const auto* targets = batch.content.targets.const_data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < batch.targets; ++i)
      ++counts[static_cast<std::size_t>(targets[i])];
  }
  if (sum(counts) == 0)
    throw usage_error(
        concat("Masking left the ", evaluated, " validation examples without a token to predict."),
        "Longer sequences (--length), or a larger train.eval_examples.");
  return counts;
}

// The first `documents` of a split by label; single label: by their first, which is the target.
CountVector label_counts(const TokenStore& store, Split split, std::int64_t documents,
                         bool single_label) {
  CountVector counts(store.meta().labels.size());
  for (std::int64_t d = 0; d < documents; ++d) {
    const auto labels = store.labels(split, d);
    for (const std::int32_t label : single_label ? labels.first(1) : labels)
      ++counts[static_cast<std::size_t>(label)];
  }
  return counts;
}

// The number of labels to answer with, of those most frequent in training.
std::size_t best_label_count(Counts training, double documents) {
  const double all = sum(training);
  double hits = 0, best = -1;
  std::size_t best_count = 0;
  for (std::size_t k = 1; k <= training.size(); ++k) {
    hits += static_cast<double>(training[k - 1]);
    const double f1 = f1_score(hits, static_cast<double>(k) * documents, all);
    if (f1 <= best) continue;
    best = f1;
    best_count = k;
  }
  return best_count;
}

// Labels of one training frequency have one score in every document.
std::vector<ScoreGroup> frequency_groups(Counts training, Counts validation, double documents) {
  std::vector<ScoreGroup> groups;
  for (std::size_t label = 0; label < training.size(); ++label) {
    if (label == 0 || training[label] != training[label - 1]) groups.emplace_back();
    groups.back().entries += documents;
    groups.back().positives += static_cast<double>(validation[label]);
  }
  return groups;
}

}  // namespace

ConstantPredictor single_label_constant(Counts training, Counts validation) {
  ConstantPredictor constant;
  constant.loss = prior_cross_entropy(training, validation);
  const auto majority = std::max_element(training.begin(), training.end()) - training.begin();
  const auto hits = static_cast<double>(validation[static_cast<std::size_t>(majority)]);
  const double documents = sum(validation);
  constant.accuracy = constant.f1_micro = hits / documents;
  constant.f1_macro = f1_score(hits, documents, hits) / supported(validation);
  return constant;
}

ConstantPredictor multi_label_constant(Counts training, std::int64_t training_documents,
                                       Counts validation, std::int64_t validation_documents) {
  const auto documents = static_cast<double>(validation_documents);
  ConstantPredictor constant;
  constant.loss =
      multi_label_prior_loss(training, training_documents, validation, validation_documents);
  const std::size_t k = best_label_count(training, static_cast<double>(training_documents));
  const Counts answered = validation.first(k);
  constant.f1_micro = f1_score(sum(answered), static_cast<double>(k) * documents, sum(validation));
  double f1_sum = 0;
  for (const std::int64_t truth : answered)
    f1_sum += f1_score(static_cast<double>(truth), documents, static_cast<double>(truth));
  constant.f1_macro = supported(validation) == 0 ? 0 : f1_sum / supported(validation);
  constant.average_precision_micro =
      average_precision(frequency_groups(training, validation, documents));
  return constant;
}

ConstantPredictor token_constant(const TokenStore& store, const BatchSource& source,
                                 std::int64_t evaluated, const RunSpec& spec) {
  const bool masked = spec.objective->needs == TaskNeeds::kMaskToken;
  ConstantPredictor constant;
  constant.loss = prior_cross_entropy(training_tokens(store, masked),
                                      evaluated_targets(store, source, evaluated));
  return constant;
}

ConstantPredictor single_label_constant(const TokenStore& store, const BatchSource&,
                                        std::int64_t evaluated, const RunSpec&) {
  return single_label_constant(
      label_counts(store, Split::kTrain, store.documents(Split::kTrain), /*single_label=*/true),
      label_counts(store, Split::kValidation, evaluated, /*single_label=*/true));
}

ConstantPredictor multi_label_constant(const TokenStore& store, const BatchSource&,
                                       std::int64_t evaluated, const RunSpec& spec) {
  const std::int64_t documents = store.documents(Split::kTrain);
  const CountVector training =
      label_counts(store, Split::kTrain, documents, /*single_label=*/false);
  ConstantPredictor constant = multi_label_constant(
      training, documents,
      label_counts(store, Split::kValidation, evaluated, /*single_label=*/false), evaluated);
  if (spec.train.bce_reduction == BceReduction::kSumLabels)
    constant.loss *= static_cast<double>(training.size());
  return constant;
}

ConstantPredictor constant_predictor(const TokenStore& store, const BatchSource& source,
                                     std::int64_t evaluated, const RunSpec& spec) {
  return task_engine(to_string(spec.objective)).constant(store, source, evaluated, spec);
}

}  // namespace dtbench
