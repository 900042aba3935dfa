#include "engine/train/checkpoint.h"

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/text.h"
#include "data/safetensors.h"

namespace dtbench {
namespace {

using NamedTensors = std::map<std::string, at::Tensor>;

NamedTensors state_tensors(const Trainer& trainer) {
  NamedTensors tensors;
  const auto& parameters = trainer.parameters().all();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    tensors[parameters[i].name] = parameters[i].value.detach();
    tensors["exp_avg." + parameters[i].name] = trainer.optimizer().exp_avg(i);
    tensors["exp_avg_sq." + parameters[i].name] = trainer.optimizer().exp_avg_sq(i);
  }
  return tensors;
}

std::string safetensors_dtype(at::ScalarType type) {
  return type == at::kDouble ? "F64" : "F32";
}

[[noreturn]] void misfit(const std::filesystem::path& file, const std::string& what) {
  throw usage_error(
      concat("The checkpoint '", file.string(), "' does not fit this cell: ", what, "."),
      "--rerun to start anew");
}

SafetensorsFile open_checkpoint(const std::filesystem::path& file) {
  try {
    return SafetensorsFile(file);
  } catch (const Error& error) {
    throw usage_error(concat("The checkpoint cannot be read: ", error.what()),
                      "--rerun to start anew");
  }
}

}  // namespace

std::filesystem::path checkpoint_file(const std::filesystem::path& directory) {
  return directory / "state.safetensors";
}

void save_checkpoint(const std::filesystem::path& directory, const Trainer& trainer,
                     const TrainingState& state, std::uint64_t steps_size) {
  make_directories(directory);
  NamedTensors on_cpu;  // keeps the copies alive until they are written
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : state_tensors(trainer)) {
    const at::Tensor& copy = on_cpu[name] = tensor.cpu().contiguous();
    views[name] = {safetensors_dtype(copy.scalar_type()), copy.sizes().vec(),
                   static_cast<const std::byte*>(copy.const_data_ptr()), copy.nbytes()};
  }
  write_safetensors(checkpoint_file(directory), views,
                    {{"training_state", canonical_json(to_json(state))},
                     {"optimizer_updates", std::to_string(trainer.optimizer().updates())},
                     {"steps_size", std::to_string(steps_size)}});
}

ResumePoint load_checkpoint(const std::filesystem::path& directory, Trainer& trainer) {
  const SafetensorsFile file = open_checkpoint(checkpoint_file(directory));
  for (const auto& [name, target] : state_tensors(trainer)) {
    const auto found = file.tensors().find(name);
    if (found == file.tensors().end()) misfit(file.path(), concat("it lacks '", name, "'"));
    const TensorView& tensor = found->second;
    if (at::IntArrayRef(tensor.shape) != target.sizes() ||
        tensor.dtype != safetensors_dtype(target.scalar_type()))
      misfit(file.path(),
             concat("'", name, "' is ", tensor.dtype, at::IntArrayRef(tensor.shape), ", expected ",
                    safetensors_dtype(target.scalar_type()), target.sizes()));
    target.copy_(
        at::from_blob(const_cast<std::byte*>(tensor.data), tensor.shape, target.scalar_type()));
  }
  const auto metadata = [&](const char* key) {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end()) misfit(file.path(), concat("it lacks '", key, "'"));
    return found->second;
  };
  trainer.optimizer().set_updates(std::stoll(metadata("optimizer_updates")));
  return {training_state_from_json(Json::parse(metadata("training_state"))),
          std::stoull(metadata("steps_size"))};
}

}  // namespace dtbench
