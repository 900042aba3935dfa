#include "engine/small_model.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "config/resolve.h"
#include "engine/model/differentiate.h"
#include "engine/numerics/scalar_type.h"
#include "source_folder.h"

namespace dtbench::testing {

ModelShape small_shape(std::int64_t labels) {
  return small_shape(gpt2_family(), labels > 0 ? single_label() : causal_lm(), labels);
}

ModelShape small_shape(Registered<ModelFamily> architecture, Registered<Task> objective,
                       std::int64_t labels) {
  return {architecture, objective, kLayers, kWidth, kHeads, kPositions, kVocab, labels};
}

SmallModel::SmallModel(at::ScalarType dtype, std::int64_t labels, std::uint32_t seed)
    : parameters(at::TensorOptions().dtype(dtype), seed),
      model(parameters, small_shape(labels), 1e-5),
      rules{.compute = dtype} {}

SmallModel::SmallModel(const ModelShape& shape, const DtypePolicy& policy, std::uint32_t seed)
    : parameters(at::TensorOptions().dtype(scalar_type(policy.parameters)), seed,
                 scalar_type(policy.gradients)),
      model(parameters, shape, 1e-5),
      rules(compute_rules(policy)) {}

std::filesystem::path configs_folder() {
  return source_folder() / "configs";
}

DtypePolicy policy_named(const std::string& name) {
  return load_policy(configs_folder(), name);
}

GlobalBatch ragged_lm_batch(std::int64_t samples, std::int64_t length) {
  GlobalBatch batch;
  batch.samples = samples;
  batch.length = length;
  batch.content.input_ids = at::empty({samples, length}, at::kLong);
  std::vector<std::int64_t> index, targets;
  for (std::int64_t s = 0; s < samples; ++s) {
    for (std::int64_t t = 0; t < length; ++t)
      batch.content.input_ids[s][t] = (s * 31 + t * 17 + s * t) % kVocab;
    const std::int64_t count = 1 + (7 * s) % (length - 1);
    for (std::int64_t t = 0; t < count; ++t) {
      index.push_back(s * length + t);
      targets.push_back((s * 13 + t * 5) % kVocab);
    }
  }
  batch.targets = static_cast<std::int64_t>(targets.size());
  batch.content.target_index = at::tensor(index);
  batch.content.targets = at::tensor(targets);
  return batch;
}

GlobalBatch ragged_batch(const ModelShape& shape) {
  constexpr std::int64_t kSamples = 8, kLength = 20;
  constexpr std::int64_t kTargets[] = {1, 3, 0, 0, 19, 7, 12, 2};
  constexpr std::int64_t kTokens[] = {1, 3, 20, 7, 1, 12, 19, 2};
  GlobalBatch batch;
  batch.samples = kSamples;
  batch.length = kLength;
  // Ids from 2 on: 1 is RoBERTa's padding.
  const at::Tensor draws = at::arange(kSamples * kLength, at::kLong).mul(37).add(11);
  batch.content.input_ids = draws.remainder(kVocab - 2).add(2).view({kSamples, kLength});
  if (is_language_model(shape.objective)) {
    std::vector<std::int64_t> index, targets;
    for (std::int64_t s = 0; s < kSamples; ++s)
      for (std::int64_t t = kLength - kTargets[s]; t < kLength; ++t) {
        index.push_back(s * kLength + t);
        targets.push_back((s * 13 + t * 5) % kVocab);
      }
    batch.targets = static_cast<std::int64_t>(targets.size());
    batch.content.target_index = at::tensor(index, at::kLong);
    batch.content.targets = at::tensor(targets, at::kLong);
    return batch;
  }
  batch.content.attention_mask = at::zeros({kSamples, kLength}, at::kBool);
  for (std::int64_t s = 0; s < kSamples; ++s)
    batch.content.attention_mask[s].narrow(0, 0, kTokens[s]).fill_(true);
  batch.content.input_ids.masked_fill_(batch.content.attention_mask.logical_not(), 1);
  const at::Tensor labels = at::arange(kSamples, at::kLong).mul(3).remainder(shape.labels);
  batch.content.targets = labels;
  batch.targets = kSamples;
  if (shape.objective == multi_label()) {
    batch.content.targets = at::one_hot(labels, shape.labels).to(at::kFloat);
    batch.content.targets[5].fill_(1);
    batch.targets = kSamples * shape.labels;
  }
  return batch;
}

Accumulated accumulate(SmallModel& small, const GlobalBatch& batch, std::int64_t micro,
                       const DropoutContext& dropout, double loss_scale) {
  small.parameters.clear_gradients();
  Accumulated result{0, {}};
  for (std::int64_t first = 0; first < batch.samples; first += micro) {
    Pass pass{small.rules, dropout};
    pass.dropout.first_sample = static_cast<std::uint32_t>(first);
    result.loss +=
        differentiate(small.model, slice(batch, first, micro, at::kCPU), pass,
                      {static_cast<double>(batch.targets), loss_scale}, into(small.parameters))
            .item<double>();
  }
  for (const at::Tensor& gradient : small.parameters.gradients())
    result.gradients.push_back(gradient.clone());
  return result;
}

double relative_difference(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double difference = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, (a[i] - b[i]).abs().max().item<double>());
    scale = std::max(scale, b[i].abs().max().item<double>());
  }
  return difference / scale;
}

RunSpec tiny_spec(const std::string& scenario) {
  ResolveRequest request;
  request.configs = configs_folder();
  request.scenario = scenario;
  request.policy = "fp32_true";
  request.preset = "tiny";
  return resolve(request);
}

std::filesystem::path tiny_store(const RunSpec& spec) {
  static const TemporaryDirectory cache;
  return prepare_store(spec, cache.path(), configs_folder());
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "dtbench_test_XXXXXX").string();
  path_ = mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace dtbench::testing
