// What our safetensors code sees and writes, for comparison with the Python package:
//   safetensors_probe describe FILE...   one JSON line a file: its content, or {"error"}
//   safetensors_probe copy IN OUT        reads IN, writes the same tensors and metadata to OUT
#include <iostream>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "data/safetensors.h"

namespace dtbench {
namespace {

Json describe(const std::filesystem::path& path) {
  try {
    const SafetensorsFile file(path);
    Json tensors = Json::object();
    for (const auto& [name, view] : file.tensors())
      tensors[name] = {
          {"dtype", view.dtype},
          {"shape", view.shape},
          {"sha256", sha256_hex({reinterpret_cast<const char*>(view.data), view.bytes})}};
    return {{"metadata", file.metadata()}, {"tensors", tensors}};
  } catch (const Error& error) {
    return {{"error", error.what()}};
  }
}

int run(int count, char** arguments) {
  const std::string_view command = count > 1 ? arguments[1] : "";
  if (command == "copy" && count == 4) {
    const SafetensorsFile file(arguments[2]);
    write_safetensors(arguments[3], file.tensors(), file.metadata());
    return 0;
  }
  if (command == "describe") {
    for (int i = 2; i < count; ++i)
      std::cout << describe(arguments[i]).dump() << '\n';
    return 0;
  }
  std::cerr << "usage: safetensors_probe describe FILE... | copy IN OUT\n";
  return 2;
}

}  // namespace
}  // namespace dtbench

int main(int count, char** arguments) {
  try {
    return dtbench::run(count, arguments);
  } catch (const dtbench::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
