// What a family's checkpoints call its weights, where that is not a parameter's own name
// (Transformers' state dict). Part of a ModelBuilder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dtbench {

struct WeightNames {
  // One tensor under two names. A file may hold either or both: save_pretrained drops the copy,
  // safetensors.torch.save_model one of the two, a state dict none.
  struct Tie {
    std::string copy, parameter;
  };
  // An ending that other programs, or older ones, write instead of ours.
  struct Ending {
    std::string theirs, ours;
  };

  std::string body;                // the prefix that a bare body's names lack: "transformer."
  std::vector<std::string> heads;  // prefixes. Only a head may be missing, and one of another task
                                   // may be there
  std::vector<Tie> ties;           // of the language model's head
  std::vector<Ending> endings;
  // Whether checkpoints carry a tensor of this name (without the body's prefix) that no model here
  // uses: buffers, poolers.
  bool (*unused)(std::string_view name) = nullptr;
};

}  // namespace dtbench
