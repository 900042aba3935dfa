// What a task asks of a batch: its targets and N.
#pragma once

#include <memory>

#include "config/run_spec.h"
#include "engine/train/global_batch.h"

namespace dtbench {

class TargetMaker {
 public:
  virtual ~TargetMaker() = default;
  // Sets content.targets, `targets` (N) and, for language models, content.target_index [n] int64,
  // b * T + t ascending; may replace input ids. The rest of the batch is there.
  virtual void set(GlobalBatch& batch, const Selection& selection) const = 0;
};

// The store must outlive what is made for it.

// Position t predicts token t + 1 of the same block. Targets [n] int64.
std::unique_ptr<TargetMaker> next_tokens(const TokenStore& store, const RunSpec& spec);

// Masked language modelling (train/masking.h). Targets [n] int64.
std::unique_ptr<TargetMaker> masked_tokens(const TokenStore& store, const RunSpec& spec);

// The document's label most frequent in training. Targets [B] int64.
std::unique_ptr<TargetMaker> first_labels(const TokenStore& store, const RunSpec& spec);

// Targets [B, labels] fp32 of 0 and 1; N counts documents x labels, with bce_reduction "sum_labels"
// documents.
std::unique_ptr<TargetMaker> label_vectors(const TokenStore& store, const RunSpec& spec);

}  // namespace dtbench
