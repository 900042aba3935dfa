// Weights from and to safetensors, by the names of Transformers' state dict.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/model/parameters.h"

namespace dtbench {

struct LoadedWeights {
  std::string fingerprint;               // SHA-256 of the file; "" for weights drawn from scratch
  std::vector<std::string> newly_drawn;  // parameters the file lacks: a head on a pretrained body
  std::vector<std::string> ignored;      // tensors of the file that this model has no use for: tied
                                         // copies, another head, a pooler, buffers
};

// Copies the file's tensors over the parameters' initial values, converting to their datatype.
// Names may lack the body's prefix ("transformer.", "roberta."), as in openai-community/gpt2. Only
// a head may be missing. Throws Error (usage) naming file and tensor: missing, wrong shape, not a
// floating datatype, unknown.
LoadedWeights load_weights(const std::filesystem::path& path, ParameterSet& parameters);

}  // namespace dtbench
