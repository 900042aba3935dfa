#include "engine/train/batches.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/text.h"

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
                      "give more data, or a shorter --length");
  return count;
}

at::Tensor empty_ids(at::IntArrayRef shape) {
  return at::empty(shape, at::kLong);
}

}  // namespace

MicroBatch slice(const GlobalBatch& batch, std::int64_t first, std::int64_t count,
                 const c10::Device& device) {
  const MicroBatch& whole = batch.content;
  MicroBatch part;
  part.input_ids = whole.input_ids.narrow(0, first, count).to(device);
  if (whole.attention_mask.defined())
    part.attention_mask = whole.attention_mask.narrow(0, first, count).to(device);
  if (!whole.target_index.defined()) {
    part.targets = whole.targets.narrow(0, first, count).to(device);
    return part;
  }
  // Target positions ascend, so a slice's are contiguous.
  const std::int64_t* index = whole.target_index.const_data_ptr<std::int64_t>();
  const std::int64_t* end = index + whole.target_index.numel();
  const std::int64_t begin_at = std::lower_bound(index, end, first * batch.length) - index;
  const std::int64_t end_at = std::lower_bound(index, end, (first + count) * batch.length) - index;
  const std::int64_t targets = end_at - begin_at;
  part.target_index =
      (whole.target_index.narrow(0, begin_at, targets) - first * batch.length).to(device);
  part.targets = whole.targets.narrow(0, begin_at, targets).to(device);
  return part;
}

BatchSource::BatchSource(const TokenStore& store, const RunSpec& spec)
    : store_(store),
      language_model_(is_language_model(spec.objective)),
      length_(spec.data.length),
      batch_(spec.train.batch),
      order_(static_cast<std::uint32_t>(spec.seed), example_count(store, spec, Split::kTrain)) {
  example_count(store, spec, Split::kValidation);
}

std::int64_t BatchSource::examples(Split split) const {
  return language_model_ ? static_cast<std::int64_t>(store_.tokens(split).size()) / length_
                         : store_.documents(split);
}

GlobalBatch BatchSource::training_batch(std::int64_t step) {
  std::vector<std::int64_t> examples(static_cast<std::size_t>(batch_));
  for (std::int64_t i = 0; i < batch_; ++i)
    examples[static_cast<std::size_t>(i)] = order_.example(step * batch_ + i);
  return assemble(Split::kTrain, examples);
}

GlobalBatch BatchSource::validation_batch(std::int64_t first, std::int64_t count) const {
  std::vector<std::int64_t> examples(static_cast<std::size_t>(count));
  std::iota(examples.begin(), examples.end(), first);
  return assemble(Split::kValidation, examples);
}

GlobalBatch BatchSource::assemble(Split split, const std::vector<std::int64_t>& examples) const {
  return language_model_ ? assemble_blocks(split, examples) : assemble_documents(split, examples);
}

// Causal language modelling: position t predicts token t + 1 of the same block.
GlobalBatch BatchSource::assemble_blocks(Split split,
                                         const std::vector<std::int64_t>& examples) const {
  GlobalBatch batch;
  batch.samples = static_cast<std::int64_t>(examples.size());
  batch.length = length_;
  batch.targets = batch.samples * (length_ - 1);
  batch.real_tokens = batch.samples * length_;
  batch.sum_squared_lengths = static_cast<double>(batch.samples) * static_cast<double>(length_) *
                              static_cast<double>(length_);
  batch.content.input_ids = empty_ids({batch.samples, length_});
  batch.content.target_index = empty_ids({batch.targets});
  batch.content.targets = empty_ids({batch.targets});
  auto* ids = batch.content.input_ids.mutable_data_ptr<std::int64_t>();
  auto* index = batch.content.target_index.mutable_data_ptr<std::int64_t>();
  auto* targets = batch.content.targets.mutable_data_ptr<std::int64_t>();
  const auto stream = store_.tokens(split);
  for (std::int64_t sample = 0; sample < batch.samples; ++sample) {
    const auto block = stream.subspan(
        static_cast<std::size_t>(examples[static_cast<std::size_t>(sample)] * length_),
        static_cast<std::size_t>(length_));
    std::copy(block.begin(), block.end(), ids + sample * length_);
    for (std::int64_t t = 0; t + 1 < length_; ++t) {
      *index++ = sample * length_ + t;
      *targets++ = block[static_cast<std::size_t>(t + 1)];
    }
  }
  return batch;
}

// Single-label classification: documents cut at T, padded on the right with the end-of-text token.
GlobalBatch BatchSource::assemble_documents(Split split,
                                            const std::vector<std::int64_t>& examples) const {
  GlobalBatch batch;
  batch.samples = batch.targets = static_cast<std::int64_t>(examples.size());
  for (const std::int64_t example : examples) {
    const auto tokens = static_cast<std::int64_t>(store_.document(split, example).size());
    batch.length = std::max(batch.length, std::min(tokens, length_));
  }
  batch.content.input_ids =
      at::full({batch.samples, batch.length}, store_.meta().end_of_text, at::kLong);
  batch.content.attention_mask = at::zeros({batch.samples, batch.length}, at::kBool);
  batch.content.targets = empty_ids({batch.samples});
  auto* ids = batch.content.input_ids.mutable_data_ptr<std::int64_t>();
  auto* mask = batch.content.attention_mask.mutable_data_ptr<bool>();
  auto* targets = batch.content.targets.mutable_data_ptr<std::int64_t>();
  for (std::int64_t sample = 0; sample < batch.samples; ++sample) {
    const std::int64_t example = examples[static_cast<std::size_t>(sample)];
    auto document = store_.document(split, example);
    document = document.first(std::min(document.size(), static_cast<std::size_t>(length_)));
    std::copy(document.begin(), document.end(), ids + sample * batch.length);
    std::fill_n(mask + sample * batch.length, document.size(), true);
    // The lowest label index is the document's label most frequent in training.
    targets[sample] = store_.labels(split, example).front();
    batch.real_tokens += static_cast<std::int64_t>(document.size());
    batch.sum_squared_lengths += static_cast<double>(document.size() * document.size());
  }
  return batch;
}

}  // namespace dtbench
