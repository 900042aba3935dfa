// Batches from the tokenized store.
#pragma once

#include <cstdint>
#include <memory>

#include "config/run_spec.h"
#include "engine/train/data_order.h"
#include "engine/train/global_batch.h"
#include "engine/train/targets.h"

namespace dtbench {

class BatchSource {
 public:
  // Throws Error (usage) when the store was prepared for another architecture or length, or a split
  // is too small for one example.
  BatchSource(const TokenStore& store, const RunSpec& spec);

  // Language models: blocks of T tokens of the stream, the rest dropped; classification: documents.
  std::int64_t examples(Split split) const;

  // The global batch of a step; the same for every policy and micro-batch split. Throws Error
  // (usage) when masking leaves it without a target.
  GlobalBatch training_batch(std::int64_t step);
  // Validation examples in the store's order. Masked language models: the same masks each time, and
  // possibly no target at all.
  GlobalBatch validation_batch(std::int64_t first, std::int64_t count) const;

 private:
  GlobalBatch assemble(const Selection& selection) const;
  GlobalBatch copy_blocks(const Selection& selection) const;
  GlobalBatch copy_documents(const Selection& selection) const;

  const TokenStore& store_;
  bool blocks_;  // of a stream of text; else documents
  std::int64_t length_;
  std::int64_t batch_;
  Buckets length_buckets_, target_buckets_;
  DataOrder order_;
  std::unique_ptr<TargetMaker> targets_;
};

}  // namespace dtbench
