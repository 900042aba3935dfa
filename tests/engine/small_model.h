// A small model and store for the engine's tests.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>

#include "config/run_spec.h"
#include "data/store.h"
#include "engine/model/model.h"
#include "engine/train/batches.h"

namespace dtbench::testing {

inline constexpr std::int64_t kVocab = 61, kWidth = 16, kHeads = 2, kLayers = 2, kPositions = 24;

// GPT-2: causal LM (labels 0) or single-label classification.
ModelShape small_shape(std::int64_t labels = 0);
ModelShape small_shape(Registered<ModelFamily> architecture, Registered<Task> objective,
                       std::int64_t labels);

// Model and parameters from a seed: in `dtype` throughout, or under a policy.
struct SmallModel {
  SmallModel(at::ScalarType dtype, std::int64_t labels, std::uint32_t seed = 1);
  SmallModel(const ModelShape& shape, const DtypePolicy& policy, std::uint32_t seed = 1);
  ParameterSet parameters;
  Model model;
  ComputeRules rules;
};

std::filesystem::path configs_folder();
// A file of its policies/.
DtypePolicy policy_named(const std::string& name);

// A global batch of causal LM with ragged numbers of targets per sample: sample s has
// 1 + (7 s) % (T - 1) of them, at its first positions.
GlobalBatch ragged_lm_batch(std::int64_t samples, std::int64_t length);

// Eight samples of 20 tokens for `shape`, ragged on purpose. Language models: 1, 3, 0, 0, 19, 7, 12
// and 2 targets a sample, so that micro-batches of one or two samples may be without any.
// Classification: documents of 1, 3, 20, 7, 1, 12, 19 and 2 tokens, padded on the right.
GlobalBatch ragged_batch(const ModelShape& shape);

// Loss and gradients, accumulated over micro-batches of `micro` samples.
struct Accumulated {
  double loss;
  std::vector<at::Tensor> gradients;
};
Accumulated accumulate(SmallModel& small, const GlobalBatch& batch, std::int64_t micro,
                       const DropoutContext& dropout = {}, double loss_scale = 1);

// Largest |a - b| over all tensors, relative to the largest |b|.
double relative_difference(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b);

// A scenario at the tiny preset's shape, on the generated corpus; the store is prepared once into a
// cache of the test program's own.
RunSpec tiny_spec(const std::string& scenario);
std::filesystem::path tiny_store(const RunSpec& spec);

// A directory that is removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace dtbench::testing
