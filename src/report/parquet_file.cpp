#include "report/parquet_file.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/error.h"
#include "base/places.h"
#include "base/text.h"
#include "report/parquet/entry.h"

namespace dtbench {
namespace {

decltype(&dtbench_write_parquet) load_plugin() {
  const std::filesystem::path path = program_folder() / "libdtbench_parquet_writer.so";
  const auto fail = [&](const std::string& why) {
    return Error(ExitCode::kPermanent,
                 concat("Parquet cannot be written: '", path.string(), "' ", why, "."),
                 "./dtbench of the source tree builds it; or take --format csv.");
  };
  if (!std::filesystem::exists(path)) throw fail("is not there");
  void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) throw fail(concat("does not load: ", dlerror()));
  void* entry = dlsym(plugin, "dtbench_write_parquet");
  if (entry == nullptr) throw fail("is of another build");
  return reinterpret_cast<decltype(&dtbench_write_parquet)>(entry);
}

}  // namespace

std::string parquet_report(const Json& data) {
  std::string bytes;
  load_plugin()(record_table(data), bytes);
  return bytes;
}

}  // namespace dtbench
