// Batches from the tokenized store. A global batch is put together whole, on the CPU, so that its
// number of targets is known before the first micro-batch; micro-batches are slices of it.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "config/run_spec.h"
#include "data/store.h"
#include "engine/model/model.h"
#include "engine/train/data_order.h"
#include "engine/train/masking.h"

namespace dtbench {

struct GlobalBatch {
  MicroBatch content;  // on the CPU; padded to the longest sample of the global batch
  std::int64_t samples = 0;
  std::int64_t length = 0;  // padded length T
  // N, what the loss is divided by. Language models: predicted tokens; single label: documents;
  // multi label: documents x labels, with bce_reduction "sum_labels" documents.
  std::int64_t targets = 0;
  std::int64_t real_tokens = 0;
  double sum_squared_lengths = 0;  // of real tokens, for attention's FLOPs
};

// Samples first .. first + count - 1 of a batch, on `device`.
MicroBatch slice(const GlobalBatch& batch, std::int64_t first, std::int64_t count,
                 const c10::Device& device);

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
  struct Selection {
    Split split;
    std::int64_t step;  // training
    std::vector<std::int64_t> examples;
  };
  GlobalBatch assemble(const Selection& selection) const;
  GlobalBatch copy_blocks(const Selection& selection) const;
  void predict_next(GlobalBatch& batch) const;
  void predict_masked(GlobalBatch& batch, const Selection& selection) const;
  GlobalBatch copy_documents(const Selection& selection) const;
  void set_single_labels(GlobalBatch& batch, const Selection& selection) const;
  void set_label_vectors(GlobalBatch& batch, const Selection& selection) const;

  const TokenStore& store_;
  Registered<Task> objective_;
  bool sum_labels_;
  std::int64_t length_;
  std::int64_t batch_;
  DataOrder order_;
  std::optional<TokenMasking> masking_;  // masked language models
};

}  // namespace dtbench
