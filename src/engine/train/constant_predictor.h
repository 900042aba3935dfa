// The loss of the best constant answer on exactly the targets that the evaluation uses: the scale
// that a validation loss is read against.
#pragma once

#include "engine/train/batches.h"

namespace dtbench {

// Language models: unigram loss; single label: training-prior loss (data/baselines.h), in nats,
// over the first `evaluated` validation examples. `outcomes`: vocabulary or labels.
double constant_predictor_loss(const TokenStore& store, const BatchSource& source,
                               std::int64_t evaluated, std::int64_t outcomes, bool language_model);

}  // namespace dtbench
