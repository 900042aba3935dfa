// Which engine a record was made with: the SHA-256 of its program, of its CUDA plug-in and of the
// extensions loaded into it, beside the record. The cells of a matrix are compared with each other,
// so they come from one engine.
#pragma once

#include <filesystem>

#include "base/json.h"

namespace dtbench {

class EngineStamp {
 public:
  // Of the engine beside this program. Throws Error (permanent) without one.
  EngineStamp();

  // Notes in the run's directory that this engine trains it from the start.
  void put(const std::filesystem::path& run) const;
  // Throws Error (usage) when the record says that another engine made it, with both. A record
  // that does not say (of `dtbench run`) passes.
  void require_same(const std::filesystem::path& run) const;

 private:
  // {"sha256"}, with "cuda_plugin" where there is one and "extensions" where any is loaded.
  Json stamp_;
};

}  // namespace dtbench
