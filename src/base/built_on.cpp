#include "base/built_on.h"

#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

std::string public_version(const std::string& version) {
  return version.substr(0, version.find('+'));
}

// Of a torch package's version.py: __version__ = '2.11.0+cu128'. Empty where it says none.
std::string version_in(const fs::path& package) {
  std::istringstream lines(read_file(package / "version.py").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t open = line.find_first_of("'\"");
    if (line.starts_with("__version__") && open != std::string::npos)
      return line.substr(open + 1, line.find(line[open], open + 1) - open - 1);
  }
  return "";
}

std::string install(const std::string& built_on) {
  return concat(
      "Install that torch: pip install torch==", public_version(built_on),
      ". Or build dtbench on the one you have: pip install --force-reinstall --no-deps "
      "--no-cache-dir, with the folder or address of dtbench's source (docs/install.md).");
}

}  // namespace

void require_torch_of_build(const fs::path& engine_folder) {
  const auto text = read_file(engine_folder / "built-on-torch");
  if (!text) return;
  std::istringstream lines(*text);
  std::string built_on;
  std::getline(lines, built_on);
  std::vector<std::string> looked_in;
  for (std::string line; std::getline(lines, line);) {
    const fs::path package = (engine_folder / line).lexically_normal();
    looked_in.push_back(concat("'", package.string(), "'"));
    if (!fs::exists(package / "lib" / "libtorch_cpu.so")) continue;
    const std::string found = version_in(package);
    if (public_version(found) == public_version(built_on)) return;
    throw Error(ExitCode::kPermanent,
                concat("dtbench was built on torch ", built_on, ", but torch ", found, " is in ",
                       looked_in.back(), "."),
                install(built_on));
  }
  throw Error(ExitCode::kPermanent,
              concat("dtbench was built on torch ", built_on, ", and there is no torch in ",
                     join(looked_in, " or "), "."),
              install(built_on));
}

}  // namespace dtbench
