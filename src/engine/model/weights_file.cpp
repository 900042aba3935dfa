#include "engine/model/weights_file.h"

#include <ATen/ATen.h>

#include <map>
#include <set>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/safetensors.h"

namespace dtbench {
namespace {

constexpr char kBodyPrefix[] = "transformer.";
constexpr char kHead[] = "score.weight";

// Tensors that checkpoints carry besides parameters.
bool is_no_parameter(const std::string& name) {
  return name == "lm_head.weight" || name.ends_with(".attn.bias") ||
         name.ends_with(".attn.masked_bias");
}

at::ScalarType floating_type(const std::filesystem::path& path, const std::string& name,
                             const std::string& dtype) {
  static const std::map<std::string, at::ScalarType> kTypes = {
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}};
  const auto found = kTypes.find(dtype);
  if (found == kTypes.end())
    throw usage_error(concat("'", path.string(), "': tensor '", name,
                             "' must be F64, F32, F16 or BF16, got ", dtype, "."));
  return found->second;
}

void copy_tensor(const std::filesystem::path& path, const std::string& name,
                 const TensorView& tensor, const Parameter& parameter) {
  if (at::IntArrayRef(tensor.shape) != parameter.value.sizes())
    throw usage_error(
        concat("'", path.string(), "': tensor '", name, "' has shape ",
               at::IntArrayRef(tensor.shape), ", the model's is ", parameter.value.sizes(), "."),
        "check that the preset's layers, width, positions and vocabulary are the "
        "checkpoint's");
  const at::ScalarType type = floating_type(path, name, tensor.dtype);
  // The file is mapped read-only; from_blob does not write, and copy_ only reads.
  auto* bytes = const_cast<std::byte*>(tensor.data);
  parameter.value.detach().copy_(at::from_blob(bytes, tensor.shape, type));
}

}  // namespace

LoadedWeights load_weights(const std::filesystem::path& path, ParameterSet& parameters) {
  const SafetensorsFile file(path);
  LoadedWeights loaded;
  loaded.fingerprint = sha256_file(path);
  std::set<std::string> used;
  for (const Parameter& parameter : parameters.all()) {
    std::string name = parameter.name;
    if (!file.tensors().contains(name) && name.starts_with(kBodyPrefix))
      name = name.substr(sizeof(kBodyPrefix) - 1);
    const auto tensor = file.tensors().find(name);
    if (tensor != file.tensors().end()) {
      copy_tensor(path, name, tensor->second, parameter);
      used.insert(name);
    } else if (parameter.name == kHead) {
      loaded.newly_drawn.push_back(parameter.name);
    } else {
      throw usage_error(concat("'", path.string(), "' lacks the tensor '", parameter.name, "'."),
                        "check that the file holds the weights of this architecture and size");
    }
  }
  for (const auto& [name, tensor] : file.tensors()) {
    if (used.contains(name)) continue;
    if (!is_no_parameter(name) && name != kHead)
      throw usage_error(concat("'", path.string(), "' holds the tensor '", name,
                               "', which this model has no place for."),
                        "check that the preset's number of layers is the checkpoint's");
    loaded.ignored.push_back(name);
  }
  return loaded;
}

}  // namespace dtbench
