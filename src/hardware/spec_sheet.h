// What a device's maker prints about it: configs/hardware.toml, each figure with its source.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/policy.h"

namespace dtbench {

struct SheetFigure {
  double value;        // FLOP/s or bytes/s
  std::string source;  // the document's title
};

// Dense products, fp32 accumulation; nothing where the maker prints nothing.
struct SpecSheet {
  bool preferred = false;  // a GPU that the study is planned for
  std::optional<SheetFigure> fp32, tf32, half, memory;
};

// The sheet of the device that the driver calls `name`; nothing for one that is not in the file.
// Names match whole: "NVIDIA GeForce RTX 4090 D" is not an RTX 4090.
// Throws Error (usage) for a file that is not as it should be.
std::optional<SpecSheet> find_spec_sheet(const std::filesystem::path& configs,
                                         const std::string& name);

// All names in the file.
std::vector<std::string> device_names(const std::filesystem::path& configs);

// The peak of products as a policy computes them: by the datatype of their operands.
std::optional<SheetFigure> matmul_peak(const SpecSheet& sheet, Dtype operands, bool tf32);

// What the datatype of products is called in records: "fp32", "bf16", "fp16", "fp64"; "tf32" for
// fp32 operands that may be cut to it.
std::string matmul_datatype(Dtype operands, bool tf32);

}  // namespace dtbench
