#include "data/hub_files.h"

#include <utility>

#include "base/plugin.h"
#include "base/read_file.h"
#include "config/weights_path.h"
#include "data/weights_files.h"

namespace dtbench {

HubFiles& hub_files() {
  static const std::unique_ptr<HubFiles> hub(reinterpret_cast<decltype(&dtbench_open_hub)>(
      plugin_entry(kHubPlugin, "dtbench_open_hub", "The Hub cannot be used",
                   "Run ./dtbench in the source tree to build it, or give local files: --data, "
                   "--tokenizer, --init."))());
  return *hub;
}

std::filesystem::path initial_weights_file(const RunSpec& spec) {
  const std::string& init = spec.model.init;
  if (init == "scratch") return "";
  if (!is_hub_address(init)) {
    require_file(init, "model.init");
    return init;
  }
  HubAddress address = parse_hub_address(init, "model.init");
  const std::filesystem::path file = hub_files().fetch(address);
  if (!is_weights_index(init)) return file;
  const std::filesystem::path folder = std::filesystem::path(address.path).parent_path();
  for (const std::filesystem::path& shard : weights_files(file)) {
    address.path = (folder / shard.filename()).string();
    hub_files().fetch(address);
  }
  return file;
}

Json hub_sources(const RunSpec& spec) {
  Json sources = Json::object();
  for (const auto& [name, address] :
       {std::pair("data", spec.data.source), std::pair("tokenizer", spec.data.tokenizer),
        std::pair("initial_weights", spec.model.init)})
    if (is_hub_address(address))
      sources[name] = {{"address", address},
                       {"commit", hub_files().commit(parse_hub_address(address, name))}};
  return sources;
}

}  // namespace dtbench
