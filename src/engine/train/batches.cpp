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

at::Tensor empty_ids(at::IntArrayRef shape) {
  return at::empty(shape, at::kLong);
}

}  // namespace

MicroBatch slice(const GlobalBatch& batch, std::int64_t first, std::int64_t count,
                 const c10::Device& device) {
  const MicroBatch& whole = batch.content;
  const auto copy = [&](const at::Tensor& tensor, std::int64_t begin, std::int64_t rows) {
    return tensor.narrow(0, begin, rows).to(device, /*non_blocking=*/tensor.is_pinned());
  };
  MicroBatch part;
  part.input_ids = copy(whole.input_ids, first, count);
  if (whole.attention_mask.defined())
    part.attention_mask = copy(whole.attention_mask, first, count);
  if (!whole.target_index.defined()) {
    part.targets = copy(whole.targets, first, count);
    return part;
  }
  // Target positions ascend, so a slice's are contiguous.
  const std::int64_t* index = whole.target_index.const_data_ptr<std::int64_t>();
  const std::int64_t* end = index + whole.target_index.numel();
  const std::int64_t begin_at = std::lower_bound(index, end, first * batch.length) - index;
  const std::int64_t end_at = std::lower_bound(index, end, (first + count) * batch.length) - index;
  const std::int64_t targets = end_at - begin_at;
  part.target_index = copy(whole.target_index, begin_at, targets) - first * batch.length;
  part.targets = copy(whole.targets, begin_at, targets);
  return part;
}

BatchSource::BatchSource(const TokenStore& store, const RunSpec& spec)
    : store_(store),
      objective_(spec.objective),
      sum_labels_(spec.train.bce_reduction == "sum_labels"),
      length_(spec.data.length),
      batch_(spec.train.batch),
      order_(static_cast<std::uint32_t>(spec.seed), example_count(store, spec, Split::kTrain)) {
  example_count(store, spec, Split::kValidation);
  require_fit(store, spec);
  if (objective_ == Objective::kMaskedLm)
    masking_.emplace(static_cast<std::uint32_t>(spec.seed), store.meta());
}

std::int64_t BatchSource::examples(Split split) const {
  return is_language_model(objective_)
             ? static_cast<std::int64_t>(store_.tokens(split).size()) / length_
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
  GlobalBatch batch =
      is_language_model(objective_) ? copy_blocks(selection) : copy_documents(selection);
  switch (objective_) {
    case Objective::kCausalLm:
      predict_next(batch);
      break;
    case Objective::kMaskedLm:
      predict_masked(batch, selection);
      break;
    case Objective::kMultiLabel:
      set_label_vectors(batch, selection);
      break;
    case Objective::kSingleLabel:
      set_single_labels(batch, selection);
      break;
  }
  return batch;
}

GlobalBatch BatchSource::copy_blocks(const Selection& selection) const {
  GlobalBatch batch;
  batch.samples = static_cast<std::int64_t>(selection.examples.size());
  batch.length = length_;
  batch.real_tokens = batch.samples * length_;
  batch.sum_squared_lengths = static_cast<double>(batch.samples) * static_cast<double>(length_) *
                              static_cast<double>(length_);
  batch.content.input_ids = empty_ids({batch.samples, length_});
  auto* ids = batch.content.input_ids.mutable_data_ptr<std::int64_t>();
  const auto stream = store_.tokens(selection.split);
  for (const std::int64_t example : selection.examples) {
    const auto block = stream.subspan(static_cast<std::size_t>(example * length_),
                                      static_cast<std::size_t>(length_));
    ids = std::copy(block.begin(), block.end(), ids);
  }
  return batch;
}

// Position t predicts token t + 1 of the same block.
void BatchSource::predict_next(GlobalBatch& batch) const {
  const at::Tensor positions = at::arange(batch.samples * length_, at::kLong);
  const auto without = [&](std::int64_t first, const at::Tensor& of) {
    return of.view({batch.samples, length_}).narrow(1, first, length_ - 1).reshape({-1});
  };
  batch.content.target_index = without(0, positions);
  batch.content.targets = without(1, batch.content.input_ids);
  batch.targets = batch.content.targets.numel();
}

void BatchSource::predict_masked(GlobalBatch& batch, const Selection& selection) const {
  auto* ids = batch.content.input_ids.mutable_data_ptr<std::int64_t>();
  std::vector<std::int64_t> index, targets;
  for (std::int64_t i = 0; i < batch.samples; ++i) {
    const MaskingSample sample =
        selection.split == Split::kTrain
            ? MaskingSample::training(selection.step, i)
            : MaskingSample::validation(selection.examples[static_cast<std::size_t>(i)]);
    const std::span block(ids + i * length_, static_cast<std::size_t>(length_));
    for (const MaskedToken& token : masking_->apply(sample, block)) {
      index.push_back(i * length_ + token.position);
      targets.push_back(token.original);
    }
  }
  batch.content.target_index = at::tensor(index, at::kLong);
  batch.content.targets = at::tensor(targets, at::kLong);
  batch.targets = batch.content.targets.numel();
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

// The lowest label index is the document's label most frequent in training.
void BatchSource::set_single_labels(GlobalBatch& batch, const Selection& selection) const {
  batch.content.targets = empty_ids({batch.samples});
  auto* targets = batch.content.targets.mutable_data_ptr<std::int64_t>();
  for (const std::int64_t example : selection.examples)
    *targets++ = store_.labels(selection.split, example).front();
  batch.targets = batch.samples;
}

void BatchSource::set_label_vectors(GlobalBatch& batch, const Selection& selection) const {
  const auto labels = static_cast<std::int64_t>(store_.meta().labels.size());
  batch.content.targets = at::zeros({batch.samples, labels}, at::kFloat);
  auto* targets = batch.content.targets.mutable_data_ptr<float>();
  for (const std::int64_t example : selection.examples) {
    for (const std::int32_t label : store_.labels(selection.split, example))
      targets[label] = 1;
    targets += labels;
  }
  batch.targets = sum_labels_ ? batch.samples : batch.samples * labels;
}

}  // namespace dtbench
