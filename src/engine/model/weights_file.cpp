#include "engine/model/weights_file.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/safetensors.h"

namespace dtbench {
namespace {

constexpr std::array<std::string_view, 2> kBodyPrefixes = {"transformer.", "roberta."};
constexpr std::array<std::string_view, 2> kClassifierPrefixes = {"score.", "classifier."};
constexpr std::array<std::string_view, 3> kHeadPrefixes = {"score.", "classifier.", "lm_head."};

bool starts_with_any(std::string_view name, std::span<const std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Tensors that checkpoints carry besides this model's parameters: another head, tied copies,
// buffers, RoBERTa's pooler, which neither of our heads uses.
bool may_be_ignored(const std::string& name) {
  return starts_with_any(name, kHeadPrefixes) || name.ends_with(".attn.bias") ||
         name.ends_with(".attn.masked_bias") || name.ends_with("position_ids") ||
         name.find("pooler.dense.") != std::string::npos;
}

std::string without_body_prefix(const std::string& name) {
  for (const std::string_view prefix : kBodyPrefixes)
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  return name;
}

struct Tie {
  std::string_view copy, parameter;  // names in Transformers' checkpoints
};
constexpr std::array<Tie, 3> kTies = {
    {{"lm_head.weight", "transformer.wte.weight"},
     {"lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"},
     {"lm_head.decoder.bias", "lm_head.bias"}}};

at::ScalarType floating_type(const std::filesystem::path& path, const std::string& name,
                             const std::string& dtype) {
  static const std::map<std::string, at::ScalarType> kTypes = {
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}};
  const auto found = kTypes.find(dtype);
  if (found == kTypes.end())
    throw usage_error(concat("'", path.string(), "': tensor '", name,
                             "' must be F64, F32, F16 or BF16, got ", dtype, "."),
                      "Save the weights in one of these.");
  return found->second;
}

// On the file's bytes, which are mapped read-only: for reading.
at::Tensor as_tensor(const std::filesystem::path& path, const std::string& name,
                     const TensorView& tensor) {
  const at::ScalarType type = floating_type(path, name, tensor.dtype);
  return at::from_blob(const_cast<std::byte*>(tensor.data), tensor.shape, type);
}

void copy_tensor(const std::filesystem::path& path, const std::string& name,
                 const TensorView& tensor, const Parameter& parameter) {
  if (at::IntArrayRef(tensor.shape) != parameter.value.sizes())
    throw usage_error(
        concat("'", path.string(), "': tensor '", name, "' has shape ",
               at::IntArrayRef(tensor.shape), ", the model's is ", parameter.value.sizes(), "."),
        "Check that the preset's layers, width, positions and vocabulary match the "
        "checkpoint's.");
  const at::Tensor values = as_tensor(path, name, tensor);
  if (!at::isfinite(values).all().item<bool>())
    throw usage_error(
        concat("'", path.string(), "': tensor '", name, "' holds values that are not finite."),
        "Use weights that training can start from.");
  parameter.value.copy_(values);
}

// A language model's head shares its weights with the embedding. Of a checkpoint whose head has
// weights of its own, half would be dropped.
void require_tied(const std::filesystem::path& path, const SafetensorsFile& file,
                  const ParameterSet& parameters) {
  for (const Parameter& parameter : parameters.all())
    if (starts_with_any(parameter.name, kClassifierPrefixes)) return;  // no such head
  for (const Parameter& parameter : parameters.all())
    for (const Tie& tie : kTies) {
      const std::string name(tie.copy);
      const auto copy = file.tensors().find(name);
      if (parameter.name != tie.parameter || copy == file.tensors().end()) continue;
      const at::Tensor values = as_tensor(path, name, copy->second).to(parameter.value.options());
      if (!at::equal(values, parameter.value))
        throw usage_error(concat("'", path.string(), "': tensor '", name, "' is not '",
                                 parameter.name, "', and this model has one tensor for both."),
                          "Use a checkpoint whose head is tied to the word embeddings.");
    }
}

}  // namespace

LoadedWeights load_weights(const std::filesystem::path& path, ParameterSet& parameters) {
  const SafetensorsFile file(path);
  LoadedWeights loaded;
  loaded.fingerprint = sha256_file(path);
  std::set<std::string> used;
  for (const Parameter& parameter : parameters.all()) {
    std::string name = parameter.name;
    if (!file.tensors().contains(name)) name = without_body_prefix(name);
    const auto tensor = file.tensors().find(name);
    if (tensor != file.tensors().end()) {
      copy_tensor(path, name, tensor->second, parameter);
      used.insert(name);
    } else if (starts_with_any(parameter.name, kHeadPrefixes)) {
      loaded.newly_drawn.push_back(parameter.name);
    } else {
      throw usage_error(concat("'", path.string(), "' lacks the tensor '", parameter.name, "'."),
                        "Check that the file holds weights of this architecture and size.");
    }
  }
  for (const auto& [name, tensor] : file.tensors()) {
    if (used.contains(name)) continue;
    if (!may_be_ignored(name))
      throw usage_error(concat("'", path.string(), "' holds the tensor '", name,
                               "', which this model does not have."),
                        "Check that the preset has as many layers as the checkpoint.");
    loaded.ignored.push_back(name);
  }
  require_tied(path, file, parameters);
  return loaded;
}

}  // namespace dtbench
