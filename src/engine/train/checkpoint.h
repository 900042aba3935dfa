// A checkpoint: everything that a later step depends on, in one safetensors file that appears whole
// or not at all. Random draws need no state: they are functions of the step.
//   <parameter name>              weights, by the names of Transformers' state dict
//   optimizer_updates, exp_avg.<name> ...   AdamW's states, as AdamW::named_states names them
//   metadata: "training_state" (JSON), "steps_size" (bytes of steps.jsonl)
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/train/trainer.h"
#include "engine/train/training_state.h"

namespace dtbench {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Writes the tensors, of any datatype and device, and what else there is to know.
void save_tensors(const std::filesystem::path& file, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata);

// Restores the tensors in place and returns the metadata. Throws Error (usage) for a file that
// lacks one of them or has it in another shape or datatype; then none has changed.
std::map<std::string, std::string> restore_tensors(const std::filesystem::path& file,
                                                   const NamedTensors& tensors);

// What a checkpoint holds of the trainer, as handles to restore in place.
NamedTensors state_tensors(const Trainer& trainer);

struct ResumePoint {
  TrainingState state;
  std::uint64_t steps_size;
};

std::filesystem::path checkpoint_file(const std::filesystem::path& directory);

void save_checkpoint(const std::filesystem::path& directory, const Trainer& trainer,
                     const TrainingState& state, std::uint64_t steps_size);

// Restores the trainer's weights and optimizer. Throws Error (usage) for a file that does not fit
// the model.
ResumePoint load_checkpoint(const std::filesystem::path& directory, Trainer& trainer);

}  // namespace dtbench
