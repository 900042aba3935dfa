// A model's weights as safetensors: one file, or several (shards) that an index names.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/safetensors.h"

namespace dtbench {

// The files that hold the weights of `path`: itself, or the shards beside an index, by name. Throws
// Error (usage) for an index that is none (save_pretrained's: {"weight_map": {TENSOR: SHARD}}), or
// that names files elsewhere.
std::vector<std::filesystem::path> weights_files(const std::filesystem::path& path);

// SHA-256 of the file; of an index, of what `sha256sum` prints for its shards by name.
std::string weights_fingerprint(const std::filesystem::path& path);

// All tensors of the files. Throws Error (usage) for a shard that lacks a tensor which the index
// says it holds, or holds another; else as SafetensorsFile does.
class WeightsFiles {
 public:
  explicit WeightsFiles(const std::filesystem::path& path);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

 private:
  std::deque<SafetensorsFile> files_;
  std::map<std::string, TensorView> tensors_;
};

}  // namespace dtbench
