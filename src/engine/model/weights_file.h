// Weights from safetensors, by the names of Transformers' state dict.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/model/parameters.h"
#include "engine/model/weight_names.h"

namespace dtbench {

struct LoadedWeights {
  std::string fingerprint;               // data/weights_files.h; "" for weights drawn from scratch
  std::vector<std::string> newly_drawn;  // parameters that the file does not give: a head's
  std::vector<std::string> ignored;      // tensors of the file that this model has no use for, as
                                         // the file names them: tied copies, another head, a
                                         // pooler, buffers
};

// What is asked of a file.
struct WeightsRequest {
  std::filesystem::path path;  // a safetensors file, or the index of several
  bool language_model = true;  // so that the head is tied to the word embeddings
  bool draw_head = false;      // whatever head the file has
};

// Copies the file's tensors over the parameters' initial values, converting to their datatype.
// Names may have the prefixes of torch.compile ("_orig_mod.") and of DistributedDataParallel
// ("module."), and may lack the body's; of two tied names one is enough. Throws Error (usage) that
// names file and tensor: missing, wrong shape, not a floating datatype, not finite, unknown, or
// unlike the tensor that it is tied to.
LoadedWeights load_weights(const WeightsRequest& request, const WeightNames& names,
                           ParameterSet& parameters);

}  // namespace dtbench
