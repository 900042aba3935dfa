// The best constant answers on exactly the targets that the evaluation uses: the scale that a
// validation loss, F1 and average precision are read against. They know the training split's
// frequencies and nothing of a document.
#pragma once

#include <optional>

#include "config/run_spec.h"
#include "data/baselines.h"
#include "engine/train/batches.h"

namespace dtbench {

struct ConstantPredictor {
  // Nats, by data/baselines.h, divided as the training loss is. Language models: unigram, of masked
  // ones over tokens that are not special; single label and multi label: the training prior.
  double loss = 0;
  // Single label: of the label most frequent in training. Multi label: F1 of the k most frequent
  // labels, for every document, k with the largest F1 micro on the training split; average
  // precision of ranking labels by their training frequency.
  std::optional<double> accuracy, f1_micro, f1_macro, average_precision_micro;
};

// The task's, over the first `evaluated` validation examples. Throws Error (usage) when masking
// leaves them without a target.
ConstantPredictor constant_predictor(const TokenStore& store, const BatchSource& source,
                                     std::int64_t evaluated, const RunSpec& spec);

// Those of the built-in tasks: language models, single label, multi label.
ConstantPredictor token_constant(const TokenStore& store, const BatchSource& source,
                                 std::int64_t evaluated, const RunSpec& spec);
ConstantPredictor single_label_constant(const TokenStore& store, const BatchSource& source,
                                        std::int64_t evaluated, const RunSpec& spec);
ConstantPredictor multi_label_constant(const TokenStore& store, const BatchSource& source,
                                       std::int64_t evaluated, const RunSpec& spec);

// Documents by target, in the order of labels.
ConstantPredictor single_label_constant(Counts training, Counts validation);

// Documents by label, labels in descending order of `training`. The loss is the mean over documents
// x labels.
ConstantPredictor multi_label_constant(Counts training, std::int64_t training_documents,
                                       Counts validation, std::int64_t validation_documents);

}  // namespace dtbench
