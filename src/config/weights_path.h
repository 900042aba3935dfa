// Which files model.init may name: weights as safetensors, in one file or in several (shards) with
// an index.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace dtbench {

// By its name, as save_pretrained writes it: "model.safetensors.index.json".
bool is_weights_index(std::string_view path);

// For a file of torch.save. `path` may be an address on the Hub.
Error pickle_of_torch(std::string_view path);

// Throws Error (usage) unless `init` is "scratch" or names such a file; one shard is none.
void require_weights_path(const std::string& init);

}  // namespace dtbench
