#include "data/parquet.h"

#include <dlfcn.h>

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/places.h"
#include "base/text.h"
#include "data/parquet/entry.h"

namespace dtbench {
namespace {

decltype(&dtbench_open_parquet) load_plugin() {
  const std::filesystem::path path = program_folder() / "libdtbench_parquet.so";
  const auto fail = [&](const std::string& why) {
    return Error(ExitCode::kPermanent,
                 concat("Parquet cannot be read: '", path.string(), "' ", why, "."),
                 "./dtbench of the source tree builds it; or give the data as .jsonl.");
  };
  if (!std::filesystem::exists(path)) throw fail("is not there");
  void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) throw fail(concat("does not load: ", dlerror()));
  void* entry = dlsym(plugin, "dtbench_open_parquet");
  if (entry == nullptr) throw fail("is of another build");
  return reinterpret_cast<decltype(&dtbench_open_parquet)>(entry);
}

}  // namespace

std::unique_ptr<DocumentSource> open_parquet(const std::string& name,
                                             std::unique_ptr<ByteSource> bytes,
                                             const SourceFields& fields) {
  static const auto open = load_plugin();  // tried again after a failure
  return std::unique_ptr<DocumentSource>(open(name, bytes.release(), fields));
}

}  // namespace dtbench
