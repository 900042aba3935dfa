#include "engine/train/targets.h"

#include <ATen/ATen.h>

#include <span>

#include "engine/train/masking.h"

namespace dtbench {
namespace {

class NextTokens : public TargetMaker {
 public:
  void set(GlobalBatch& batch, const Selection&) const override {
    const at::Tensor positions = at::arange(batch.samples * batch.length, at::kLong);
    const auto without = [&](std::int64_t first, const at::Tensor& of) {
      return of.view({batch.samples, batch.length})
          .narrow(1, first, batch.length - 1)
          .reshape({-1});
    };
    batch.content.target_index = without(0, positions);
    batch.content.targets = without(1, batch.content.input_ids);
    batch.targets = batch.content.targets.numel();
  }
};

class MaskedTokens : public TargetMaker {
 public:
  MaskedTokens(const TokenStore& store, const RunSpec& spec)
      : masking_(static_cast<std::uint32_t>(spec.seed), store.meta()) {}

  void set(GlobalBatch& batch, const Selection& selection) const override {
    auto* ids = batch.content.input_ids.mutable_data_ptr<std::int64_t>();
    std::vector<std::int64_t> index, targets;
    for (std::int64_t i = 0; i < batch.samples; ++i) {
      const MaskingSample sample =
          selection.split == Split::kTrain
              ? MaskingSample::training(selection.step, i)
              : MaskingSample::validation(selection.examples[static_cast<std::size_t>(i)]);
      const std::span block(ids + i * batch.length, static_cast<std::size_t>(batch.length));
      for (const MaskedToken& token : masking_.apply(sample, block)) {
        index.push_back(i * batch.length + token.position);
        targets.push_back(token.original);
      }
    }
    batch.content.target_index = at::tensor(index, at::kLong);
    batch.content.targets = at::tensor(targets, at::kLong);
    batch.targets = batch.content.targets.numel();
  }

 private:
  TokenMasking masking_;
};

class FirstLabels : public TargetMaker {
 public:
  explicit FirstLabels(const TokenStore& store) : store_(store) {}

  // The lowest label index is the document's label most frequent in training.
  void set(GlobalBatch& batch, const Selection& selection) const override {
    batch.content.targets = at::empty({batch.samples}, at::kLong);
    auto* targets = batch.content.targets.mutable_data_ptr<std::int64_t>();
    for (const std::int64_t example : selection.examples)
      *targets++ = store_.labels(selection.split, example).front();
    batch.targets = batch.samples;
  }

 private:
  const TokenStore& store_;
};

class LabelVectors : public TargetMaker {
 public:
  LabelVectors(const TokenStore& store, bool sum_labels) : store_(store), sum_labels_(sum_labels) {}

  void set(GlobalBatch& batch, const Selection& selection) const override {
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

 private:
  const TokenStore& store_;
  bool sum_labels_;
};

}  // namespace

std::unique_ptr<TargetMaker> next_tokens(const TokenStore&, const RunSpec&) {
  return std::make_unique<NextTokens>();
}

std::unique_ptr<TargetMaker> masked_tokens(const TokenStore& store, const RunSpec& spec) {
  return std::make_unique<MaskedTokens>(store, spec);
}

std::unique_ptr<TargetMaker> first_labels(const TokenStore& store, const RunSpec&) {
  return std::make_unique<FirstLabels>(store);
}

std::unique_ptr<TargetMaker> label_vectors(const TokenStore& store, const RunSpec& spec) {
  return std::make_unique<LabelVectors>(store,
                                        spec.train.bce_reduction == BceReduction::kSumLabels);
}

}  // namespace dtbench
