#include "data/hub_files.h"

#include <utility>

#include "base/plugin.h"
#include "data/local_file.h"

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
  if (is_hub_address(init)) return hub_files().fetch(parse_hub_address(init, "model.init"));
  require_file(init, "model.init");
  return init;
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
