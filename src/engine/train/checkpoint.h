// A checkpoint: everything that a later step depends on, in one safetensors file that appears whole
// or not at all. Random draws need no state: they are functions of the step.
//   <parameter name>              weights, by the names of Transformers' state dict
//   exp_avg.<name>, exp_avg_sq.<name>   AdamW's moments
//   metadata: "training_state" (JSON), "optimizer_updates", "steps_size" (bytes of steps.jsonl)
#pragma once

#include <cstdint>
#include <filesystem>

#include "engine/train/trainer.h"
#include "engine/train/training_state.h"

namespace dtbench {

struct ResumePoint {
  TrainingState state;
  std::uint64_t steps_size;
};

std::filesystem::path checkpoint_file(const std::filesystem::path& directory);

void save_checkpoint(const std::filesystem::path& directory, const Trainer& trainer,
                     const TrainingState& state, std::uint64_t steps_size);

// Restores the trainer's weights and moments. Throws Error (usage) for a file that does not fit the
// model.
ResumePoint load_checkpoint(const std::filesystem::path& directory, Trainer& trainer);

}  // namespace dtbench
