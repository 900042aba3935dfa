#include <iostream>
#include <memory>

#include "base/places.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/spec_options.h"
#include "data/hub_files.h"
#include "data/store.h"

namespace dtbench {
namespace {

struct DataOptions {
  SpecOptions spec;
  bool json = false;
};

void prepare(const DataOptions& options) {
  ResolveRequest request = options.spec.request();
  request.policy = "fp32_true";  // any will do: the data is the same for all policies
  const RunSpec spec = resolve(request);
  const std::filesystem::path store = prepare_store(spec, cache_folder(), request.configs);
  const StoreMeta meta = TokenStore(store).meta();
  const Json answer = {{"store", store.string()},       {"name", meta.name},
                       {"synthetic", meta.synthetic},   {"fingerprint", meta.fingerprint},
                       {"vocab_size", meta.vocab_size}, {"labels", meta.labels.size()},
                       {"counts", meta.counts},         {"sources", hub_sources(spec)}};
  std::cout << (options.json ? json_text(answer, 1) + "\n" : readable_members(answer, 0));
}

}  // namespace

void add_data_command(CLI::App& program) {
  CLI::App* data = program.add_subcommand("data", "prepare data and inspect prepared data");
  data->require_subcommand(1);
  CLI::App* command = data->add_subcommand(
      "prepare", "tokenize a scenario's data into the store that training reads");
  const auto options = std::make_shared<DataOptions>();
  options->spec.add_scenario(*command);
  options->spec.add_preset(*command);
  options->spec.add_to(*command, data_flags());
  command->add_flag("--json", options->json, "print JSON");
  command->footer(scenarios_and_presets);
  command->callback([options] { prepare(*options); });
  add_store_commands(*data);
}

}  // namespace dtbench
