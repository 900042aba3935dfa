// Batches from the tokenized store. A global batch is put together whole, on the CPU, so that its
// number of targets is known before the first micro-batch; micro-batches are slices of it.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "config/run_spec.h"
#include "data/store.h"
#include "engine/model/model.h"
#include "engine/train/data_order.h"

namespace dtbench {

struct GlobalBatch {
  MicroBatch content;  // on the CPU; padded to the longest sample of the global batch
  std::int64_t samples = 0;
  std::int64_t length = 0;   // padded length T
  std::int64_t targets = 0;  // N: language models: predicted tokens; single label: documents
  std::int64_t real_tokens = 0;
  double sum_squared_lengths = 0;  // of real tokens, for attention's FLOPs
};

// Samples first .. first + count - 1 of a batch, on `device`.
MicroBatch slice(const GlobalBatch& batch, std::int64_t first, std::int64_t count,
                 const c10::Device& device);

class BatchSource {
 public:
  // Throws Error (usage) when a split is too small for one example.
  BatchSource(const TokenStore& store, const RunSpec& spec);

  // Language models: blocks of T tokens of the stream, the rest dropped; classification: documents.
  std::int64_t examples(Split split) const;

  // The global batch of a step; the same for every policy and micro-batch split.
  GlobalBatch training_batch(std::int64_t step);
  // Validation examples in the store's order.
  GlobalBatch validation_batch(std::int64_t first, std::int64_t count) const;

 private:
  GlobalBatch assemble(Split split, const std::vector<std::int64_t>& examples) const;
  GlobalBatch assemble_blocks(Split split, const std::vector<std::int64_t>& examples) const;
  GlobalBatch assemble_documents(Split split, const std::vector<std::int64_t>& examples) const;

  const TokenStore& store_;
  bool language_model_;
  std::int64_t length_;
  std::int64_t batch_;
  DataOrder order_;
};

}  // namespace dtbench
