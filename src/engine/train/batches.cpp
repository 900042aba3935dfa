#include "engine/train/batches.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "engine/train/task_engine.h"

namespace dtbench {
namespace {

std::int64_t example_count(const TokenStore& store, const RunSpec& spec, Split split) {
  std::int64_t count = store.documents(split);
  if (is_language_model(spec.objective))
    count = static_cast<std::int64_t>(store.tokens(split).size()) / spec.data.length;
  if (count == 0)
    throw usage_error(concat("The ", to_string(split), " split of '", store.meta().name,
                             "' holds no example: ", store.documents(split), " documents, ",
                             store.tokens(split).size(), " tokens, length ", spec.data.length, "."),
                      "Give more data, or a shorter --length.");
  return count;
}

// A store is chosen by its spec's fingerprint; one given by hand may be another spec's.
void require_fit(const TokenStore& store, const RunSpec& spec) {
  const StoreMeta& meta = store.meta();
  const std::string architecture = to_string(spec.model.architecture);
  const std::string hint = "Prepare the data for this scenario: dtbench data prepare.";
  if (meta.token_scheme != architecture)
    throw usage_error(concat("The store of '", meta.name, "' has the special tokens of ",
                             meta.token_scheme, ", expected those of ", architecture, "."),
                      hint);
  if (is_language_model(spec.objective)) return;
  for (const Split split : {Split::kTrain, Split::kValidation})
    for (std::int64_t d = 0; d < store.documents(split); ++d)
      if (static_cast<std::int64_t>(store.document(split, d).size()) > spec.data.length)
        throw usage_error(concat("The store of '", meta.name,
                                 "' was prepared for a longer length: ", to_string(split),
                                 " document ", d, " has ", store.document(split, d).size(),
                                 " tokens, expected at most ", spec.data.length, "."),
                          hint);
}

}  // namespace

BatchSource::BatchSource(const TokenStore& store, const RunSpec& spec)
    : store_(store),
      blocks_(spec.objective->reads == TaskReads::kBlocks),
      length_(spec.data.length),
      batch_(spec.train.batch),
      length_buckets_(length_buckets(spec)),
      target_buckets_(target_buckets(spec)),
      order_(static_cast<std::uint32_t>(spec.seed), example_count(store, spec, Split::kTrain)) {
  example_count(store, spec, Split::kValidation);
  require_fit(store, spec);
  targets_ = task_engine(to_string(spec.objective)).targets(store, spec);
}

std::int64_t BatchSource::examples(Split split) const {
  return blocks_ ? static_cast<std::int64_t>(store_.tokens(split).size()) / length_
                 : store_.documents(split);
}

GlobalBatch BatchSource::training_batch(std::int64_t step) {
  Selection selection{Split::kTrain, step, {}};
  for (std::int64_t i = 0; i < batch_; ++i)
    selection.examples.push_back(order_.example(step * batch_ + i));
  GlobalBatch batch = assemble(selection);
  if (batch.targets == 0)
    throw usage_error(concat("Masking left step ", step, " without a token to predict: ", batch_,
                             " samples of ", length_, " tokens are too few for a share of 0.15."),
                      "Use longer sequences (--length) or a larger batch (--batch).");
  return batch;
}

GlobalBatch BatchSource::validation_batch(std::int64_t first, std::int64_t count) const {
  Selection selection{Split::kValidation, 0, {}};
  selection.examples.resize(static_cast<std::size_t>(count));
  std::iota(selection.examples.begin(), selection.examples.end(), first);
  return assemble(selection);
}

GlobalBatch BatchSource::assemble(const Selection& selection) const {
  GlobalBatch batch = blocks_ ? copy_blocks(selection) : copy_documents(selection);
  batch.target_buckets = target_buckets_;
  targets_->set(batch, selection);
  return batch;
}

GlobalBatch BatchSource::copy_blocks(const Selection& selection) const {
  GlobalBatch batch;
  batch.samples = static_cast<std::int64_t>(selection.examples.size());
  batch.length = length_;
  batch.real_tokens = batch.samples * length_;
  batch.sum_squared_lengths = static_cast<double>(batch.samples) * static_cast<double>(length_) *
                              static_cast<double>(length_);
  batch.content.input_ids = at::empty({batch.samples, length_}, at::kLong);
  auto* ids = batch.content.input_ids.mutable_data_ptr<std::int64_t>();
  const auto stream = store_.tokens(selection.split);
  for (const std::int64_t example : selection.examples) {
    const auto block = stream.subspan(static_cast<std::size_t>(example * length_),
                                      static_cast<std::size_t>(length_));
    ids = std::copy(block.begin(), block.end(), ids);
  }
  return batch;
}

// Documents, padded on the right.
GlobalBatch BatchSource::copy_documents(const Selection& selection) const {
  GlobalBatch batch;
  batch.samples = static_cast<std::int64_t>(selection.examples.size());
  for (const std::int64_t example : selection.examples) {
    const auto tokens = static_cast<std::int64_t>(store_.document(selection.split, example).size());
    batch.length = std::max(batch.length, tokens);
    batch.real_tokens += tokens;
    batch.sum_squared_lengths += static_cast<double>(tokens) * static_cast<double>(tokens);
  }
  batch.length = length_buckets_.padded(batch.length);
  batch.content.input_ids =
      at::full({batch.samples, batch.length}, store_.meta().pad_token_id, at::kLong);
  batch.content.attention_mask = at::zeros({batch.samples, batch.length}, at::kBool);
  auto* ids = batch.content.input_ids.mutable_data_ptr<std::int64_t>();
  auto* mask = batch.content.attention_mask.mutable_data_ptr<bool>();
  for (const std::int64_t example : selection.examples) {
    const auto document = store_.document(selection.split, example);
    std::copy(document.begin(), document.end(), ids);
    std::fill_n(mask, document.size(), true);
    ids += batch.length;
    mask += batch.length;
  }
  return batch;
}

}  // namespace dtbench
