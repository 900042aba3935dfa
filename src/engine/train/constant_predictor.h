// The best constant answer on exactly the targets that the evaluation uses: the scale that a
// validation loss and an accuracy are read against.
#pragma once

#include "engine/train/batches.h"

namespace dtbench {

struct ConstantPredictor {
  double loss;      // nats; language models: unigram, single label: training prior
  double accuracy;  // of always answering the outcome most frequent in training
};

// By data/baselines.h, over the first `evaluated` validation examples. `outcomes`: vocabulary or
// labels.
ConstantPredictor constant_predictor(const TokenStore& store, const BatchSource& source,
                                     std::int64_t evaluated, std::int64_t outcomes,
                                     bool language_model);

}  // namespace dtbench
