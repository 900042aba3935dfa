// Tensors of safetensors files as ATen's, for the probe.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "data/safetensors.h"

namespace dtbench {

using NamedTensors = std::map<std::string, at::Tensor>;

// Every tensor of the file, copied. Throws Error for a datatype that the probe has no use for.
NamedTensors read_tensors(const std::filesystem::path& path);

void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors);

}  // namespace dtbench
