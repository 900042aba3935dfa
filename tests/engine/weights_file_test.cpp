#include "engine/model/weights_file.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "base/error.h"
#include "data/safetensors.h"
#include "engine/model/model_builder.h"
#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

class WeightsFile : public ::testing::Test {
 protected:
  // The parameters of a classifier from another seed, by name.
  WeightsFile() : WeightsFile(5) {}
  explicit WeightsFile(std::int64_t labels)
      : labels_(labels), source_(at::kFloat, labels, /*seed=*/2), target_(at::kFloat, labels) {
    for (const Parameter& parameter : source_.parameters.all())
      tensors_[parameter.name] = parameter.value.detach();
  }

  LoadedWeights load() {
    std::map<std::string, TensorView> views;
    const std::map<at::ScalarType, std::string> dtypes = {
        {at::kFloat, "F32"}, {at::kDouble, "F64"}, {at::kLong, "I64"}};
    for (const auto& [name, tensor] : tensors_)
      views[name] = {dtypes.at(tensor.scalar_type()), tensor.sizes().vec(),
                     static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
    write_safetensors(directory_.path() / "w.safetensors", views, {});
    return load_weights(
        {.path = directory_.path() / "w.safetensors", .language_model = labels_ == 0},
        model_builder("gpt2").weights, target_.parameters);
  }

  void expect_refused(const std::string& fragment) {
    try {
      load();
      ADD_FAILURE() << "accepted; expected an error with '" << fragment << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NE(std::string(error.what()).find(fragment), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("w.safetensors"), std::string::npos) << error.what();
    }
  }

  std::int64_t labels_;
  TemporaryDirectory directory_;
  SmallModel source_, target_;
  std::map<std::string, at::Tensor> tensors_;
};

TEST_F(WeightsFile, ReplacesEveryParameter) {
  const LoadedWeights loaded = load();
  EXPECT_TRUE(loaded.newly_drawn.empty());
  for (const Parameter& parameter : source_.parameters.all())
    EXPECT_TRUE(at::equal(target_.parameters.at(parameter.name).value, parameter.value));
}

TEST_F(WeightsFile, TakesTheHubsNamesWithoutPrefixAndReportsANewHead) {
  std::map<std::string, at::Tensor> bare;
  for (const auto& [name, tensor] : tensors_)
    if (name != "score.weight") bare[name.substr(std::string("transformer.").size())] = tensor;
  bare["h.0.attn.bias"] = at::ones({1, 1, 4, 4});
  tensors_ = bare;
  const at::Tensor head = target_.parameters.at("score.weight").value.detach().clone();
  const LoadedWeights loaded = load();
  EXPECT_EQ(loaded.newly_drawn, std::vector<std::string>{"score.weight"});
  EXPECT_EQ(loaded.ignored, std::vector<std::string>{"h.0.attn.bias"});
  EXPECT_TRUE(at::equal(target_.parameters.at("score.weight").value, head));
  EXPECT_TRUE(at::equal(target_.parameters.at("transformer.wpe.weight").value,
                        source_.parameters.at("transformer.wpe.weight").value));
}

TEST_F(WeightsFile, RefusesAMissingTensor) {
  tensors_.erase("transformer.h.1.ln_2.bias");
  expect_refused("lacks the tensor 'transformer.h.1.ln_2.bias'");
}

TEST_F(WeightsFile, RefusesAnotherShape) {
  tensors_["transformer.wpe.weight"] = at::zeros({3, kWidth});
  expect_refused("'transformer.wpe.weight' has shape [3, 16]");
}

TEST_F(WeightsFile, RefusesIntegers) {
  tensors_["transformer.ln_f.bias"] = at::zeros({kWidth}, at::kLong);
  expect_refused("'transformer.ln_f.bias' must be F64, F32, F16 or BF16, got I64");
}

TEST_F(WeightsFile, RefusesALayerTooMany) {
  tensors_["transformer.h.2.ln_1.bias"] = at::zeros({kWidth});
  expect_refused("'transformer.h.2.ln_1.bias', which this model does not have");
}

TEST_F(WeightsFile, RefusesWhatIsNotFinite) {
  tensors_["transformer.ln_f.bias"] = at::zeros({kWidth});
  tensors_["transformer.ln_f.bias"][3] = std::numeric_limits<float>::quiet_NaN();
  expect_refused("tensor 'transformer.ln_f.bias' holds values that are not finite");
}

TEST_F(WeightsFile, RefusesWhatIsNotFiniteInFp32) {
  tensors_["transformer.ln_f.bias"] = at::zeros({kWidth}, at::kDouble);
  tensors_["transformer.ln_f.bias"][3] = 1e300;
  expect_refused("tensor 'transformer.ln_f.bias' holds values that are not finite in fp32");
}

// With 0 labels the model is a language model.
class TiedHead : public WeightsFile {
 protected:
  TiedHead() : WeightsFile(0) {}
};

TEST_F(TiedHead, IgnoresItsCopyOfTheEmbeddings) {
  tensors_["lm_head.weight"] = tensors_.at("transformer.wte.weight").clone();
  EXPECT_EQ(load().ignored, std::vector<std::string>{"lm_head.weight"});
}

TEST_F(TiedHead, RefusesWeightsOfItsOwn) {
  tensors_["lm_head.weight"] = tensors_.at("transformer.wte.weight").clone();
  tensors_["lm_head.weight"][7][1] += 1e-6;
  expect_refused("'lm_head.weight' is not 'transformer.wte.weight', and this model has one tensor");
}

TEST_F(TiedHead, ItsCopyAloneIsEnough) {
  tensors_["lm_head.weight"] = tensors_.at("transformer.wte.weight");
  tensors_.erase("transformer.wte.weight");
  EXPECT_TRUE(load().ignored.empty());
  EXPECT_TRUE(at::equal(target_.parameters.at("transformer.wte.weight").value,
                        source_.parameters.at("transformer.wte.weight").value));
}

TEST_F(WeightsFile, AClassifierIgnoresAHeadWithWeightsOfItsOwn) {
  tensors_["lm_head.weight"] = at::ones({kVocab, kWidth});
  EXPECT_EQ(load().ignored, std::vector<std::string>{"lm_head.weight"});
}

}  // namespace
}  // namespace dtbench::testing
