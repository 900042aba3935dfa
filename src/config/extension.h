// Extensions: shared objects that register what the program does not come with. `dtbench` loads
// NAME.so, `dtbench-engine` its other half, NAME-engine.so, which CMake's dtbench_extension()
// (cmake/Extension.cmake) makes of the same source:
//   #include "config/extension.h"
//   DTBENCH_EXTENSION {                         // in no namespace
//     dtbench::register_model_family(...);      // both halves: config/model_family.h, task.h,
//   #ifdef DTBENCH_EXTENSION_ENGINE             // optimizer_kind.h
//     ...                                       // what trains
//   #endif
//   }
// Its policies and scenarios are TOML files, given by their paths.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

// Called once, before any spec is read. Throws Error to refuse.
#define DTBENCH_EXTENSION extern "C" __attribute__((visibility("default"))) void dtbench_extension()

namespace dtbench {

enum class ExtensionHalf { kConfiguration, kEngine };

struct Extension {
  std::string name;            // of its file, without .so
  std::filesystem::path file;  // NAME.so, absolute
};

// `file` is NAME.so for both halves. One that is loaded already is passed over. Throws Error
// (usage) for a file that is not there, is no extension or is of another revision of the program,
// and what it throws itself.
void load_extension(const std::filesystem::path& file, ExtensionHalf half);

// Those of DTBENCH_EXTENSIONS, separated by colons.
void load_extensions_of_environment(ExtensionHalf half);

// In the order in which they were loaded.
const std::vector<Extension>& loaded_extensions();

// <folder>/NAME-engine.so of <folder>/NAME.so.
std::filesystem::path engine_half(const std::filesystem::path& file);

// {"NAME": SHA-256 of its engine's half}: part of what a record was made with (audit.json,
// engine.json). Throws Error (usage) for a half that is not there.
Json extension_hashes();

}  // namespace dtbench
