// Which engine a record was made with: the SHA-256 of its program, beside the record. The cells of
// a matrix are compared with each other, so they come from one engine.
#pragma once

#include <filesystem>
#include <string>

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
  std::string sha256_;
};

}  // namespace dtbench
