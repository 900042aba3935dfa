#include "engine/train/checkpoint.h"

#include <ATen/ATen.h>

#include <array>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/text.h"
#include "data/safetensors.h"

namespace dtbench {
namespace {

const char* safetensors_dtype(at::ScalarType type) {
  constexpr std::array<std::pair<at::ScalarType, const char*>, 7> kNames = {
      {{at::kDouble, "F64"},
       {at::kFloat, "F32"},
       {at::kBFloat16, "BF16"},
       {at::kHalf, "F16"},
       {at::kByte, "U8"},
       {at::kInt, "I32"},
       {at::kLong, "I64"}}};
  for (const auto& [known, name] : kNames)
    if (known == type) return name;
  throw std::logic_error(concat("no checkpoint holds ", c10::toString(type)));
}

[[noreturn]] void misfit(const std::filesystem::path& file, const std::string& what) {
  throw usage_error(
      concat("The checkpoint '", file.string(), "' does not fit this cell: ", what, "."),
      "Use --rerun to retrain.");
}

SafetensorsFile open_checkpoint(const std::filesystem::path& file) {
  try {
    return SafetensorsFile(file);
  } catch (const Error& error) {
    throw usage_error(concat("The checkpoint cannot be read: ", error.what()),
                      "Use --rerun to retrain.");
  }
}

const TensorView& fitting(const SafetensorsFile& file, const std::string& name,
                          const at::Tensor& target) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) misfit(file.path(), concat("it lacks '", name, "'"));
  const TensorView& tensor = found->second;
  if (at::IntArrayRef(tensor.shape) != target.sizes() ||
      tensor.dtype != safetensors_dtype(target.scalar_type()))
    misfit(file.path(),
           concat("'", name, "' is ", tensor.dtype, at::IntArrayRef(tensor.shape), ", expected ",
                  safetensors_dtype(target.scalar_type()), target.sizes()));
  return tensor;
}

}  // namespace

NamedTensors state_tensors(const Trainer& trainer) {
  NamedTensors tensors = trainer.update().named_states();
  for (const Parameter& parameter : trainer.parameters().all())
    tensors.emplace_back(parameter.name, parameter.value);
  return tensors;
}

void save_tensors(const std::filesystem::path& file, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata) {
  std::vector<at::Tensor> on_cpu;  // keeps the copies alive until they are written
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor copy = on_cpu.emplace_back(tensor.cpu().contiguous());
    views[name] = {safetensors_dtype(copy.scalar_type()), copy.sizes().vec(),
                   static_cast<const std::byte*>(copy.const_data_ptr()), copy.nbytes()};
  }
  write_safetensors(file, views, metadata);
}

std::map<std::string, std::string> restore_tensors(const std::filesystem::path& path,
                                                   const NamedTensors& tensors) {
  const SafetensorsFile file = open_checkpoint(path);
  for (const auto& [name, target] : tensors)
    fitting(file, name, target);
  for (const auto& [name, target] : tensors) {
    const TensorView& tensor = fitting(file, name, target);
    target.copy_(
        at::from_blob(const_cast<std::byte*>(tensor.data), tensor.shape, target.scalar_type()));
  }
  return file.metadata();
}

std::filesystem::path checkpoint_file(const std::filesystem::path& directory) {
  return directory / "state.safetensors";
}

void save_checkpoint(const std::filesystem::path& directory, const Trainer& trainer,
                     const TrainingState& state, std::uint64_t steps_size) {
  make_directories(directory);
  save_tensors(checkpoint_file(directory), state_tensors(trainer),
               {{"training_state", canonical_json(to_json(state))},
                {"steps_size", std::to_string(steps_size)}});
}

ResumePoint load_checkpoint(const std::filesystem::path& directory, Trainer& trainer) {
  const std::filesystem::path file = checkpoint_file(directory);
  const auto metadata = restore_tensors(file, state_tensors(trainer));
  const auto entry = [&](const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) misfit(file, concat("it lacks '", key, "'"));
    return found->second;
  };
  return {training_state_from_json(parse_json(entry("training_state"))),
          std::stoull(entry("steps_size"))};
}

}  // namespace dtbench
