#include "cli/gpu_line.h"

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "hardware/nvml.h"
#include "hardware/spec_sheet.h"

namespace dtbench {
namespace {

std::string in_words(const GpuModel& model) {
  const auto sheet = find_spec_sheet(configs_folder(), model.name);
  const bool preferred = sheet && sheet->preferred;
  return concat(printable(model.name), ", capability ", model.major, ".", model.minor, ", ",
                human_bytes(model.memory_bytes), ", ",
                preferred
                    ? "preferred"
                    : concat("not preferred (the study is planned for an ", kPreferredGpus, ")"));
}

}  // namespace

void log_gpus(const std::string& device, std::size_t count) {
  if (device == "cpu") return;
  std::string reason;
  const auto nvml = Nvml::open(reason);
  const std::vector<GpuModel> models = nvml ? nvml->models() : std::vector<GpuModel>();
  if (models.empty())
    return log_info(concat("GPU: not known: ", nvml ? "NVML names none" : reason));
  std::vector<std::string> parts;
  for (const GpuModel& model : models)
    if (const std::string words = in_words(model);
        std::find(parts.begin(), parts.end(), words) == parts.end())
      parts.push_back(words);
  if (parts.size() > 1) return log_info(concat("one of these GPUs: ", join(parts, "; ")));
  log_info(concat("GPU: ", count > 1 ? concat(count, " x ") : "", parts.front()));
}

}  // namespace dtbench
