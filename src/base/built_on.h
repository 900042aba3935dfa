// The torch that an installed engine was built on, and whether the one it would load is of the same
// version: another one's C++ interface is another, and the engine would fail in ways that say
// nothing of it.
#pragma once

#include <filesystem>

namespace dtbench {

// Reads `built-on-torch` in the engine's folder, which `cmake --install` puts there
// (cmake/Install.cmake): a version, then the folders of torch packages that the engine's run path
// names, in its order. Nothing is checked without that file, as in a build tree. Throws Error
// (permanent) where no torch is there, or one of another version; what follows a '+' (+cpu, +cu128)
// may differ.
void require_torch_of_build(const std::filesystem::path& engine_folder);

}  // namespace dtbench
