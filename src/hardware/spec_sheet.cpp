#include "hardware/spec_sheet.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "config/toml_file.h"

namespace dtbench {
namespace {

std::optional<SheetFigure> figure(const Json& device, const char* key, const char* unit,
                                  double factor, const Json& sources) {
  if (!device.contains(key)) return std::nullopt;
  const Json& entry = device.at(key);
  return SheetFigure{entry.at(unit).get<double>() * factor,
                     sources.at(entry.at("source").get<std::string>()).get<std::string>()};
}

SpecSheet sheet_of(const Json& device, const Json& sources) {
  SpecSheet sheet;
  sheet.preferred = device.value("preferred", false);
  sheet.fp32 = figure(device, "fp32", "tflops", 1e12, sources);
  sheet.tf32 = figure(device, "tf32", "tflops", 1e12, sources);
  sheet.half = figure(device, "half", "tflops", 1e12, sources);
  sheet.memory = figure(device, "memory", "gb_per_s", 1e9, sources);
  return sheet;
}

// Calls visit(device, sources) for each [[device]].
template <typename Visit>
void for_each_device(const std::filesystem::path& configs, Visit visit) {
  const std::filesystem::path file = configs / "hardware.toml";
  const Json content = read_toml_file(file);
  try {
    for (const Json& device : content.at("device"))
      visit(device, content.at("sources"));
  } catch (const Json::exception& error) {
    throw usage_error(
        concat("'", file.string(), "' does not describe devices: ", error.what(), "."),
        "Each [[device]] has names, and figures { tflops or gb_per_s, source }, whose "
        "source is a key of [sources].");
  }
}

}  // namespace

std::optional<SpecSheet> find_spec_sheet(const std::filesystem::path& configs,
                                         const std::string& name) {
  std::optional<SpecSheet> sheet;
  for_each_device(configs, [&](const Json& device, const Json& sources) {
    const auto names = device.at("names").get<std::vector<std::string>>();
    if (!sheet && std::find(names.begin(), names.end(), name) != names.end())
      sheet = sheet_of(device, sources);
  });
  return sheet;
}

std::vector<std::string> device_names(const std::filesystem::path& configs) {
  std::vector<std::string> all;
  for_each_device(configs, [&](const Json& device, const Json&) {
    const auto names = device.at("names").get<std::vector<std::string>>();
    all.insert(all.end(), names.begin(), names.end());
  });
  return all;
}

std::optional<SheetFigure> matmul_peak(const SpecSheet& sheet, Dtype operands, bool tf32) {
  switch (operands) {
    case Dtype::kFloat64:
      return std::nullopt;
    case Dtype::kFloat32:
      return tf32 ? sheet.tf32 : sheet.fp32;
    case Dtype::kBFloat16:
    case Dtype::kFloat16:
      break;
  }
  return sheet.half;
}

std::string matmul_datatype(Dtype operands, bool tf32) {
  return tf32 && operands == Dtype::kFloat32 ? "tf32" : to_string(operands);
}

}  // namespace dtbench
