#include <iostream>
#include <memory>

#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "config/resolve.h"
#include "config/settings.h"

namespace dtbench {
namespace {

struct PoliciesOptions {
  std::string name;
  bool json = false;
};

void list_policies(bool json) {
  const std::filesystem::path configs = configs_folder();
  Json policies = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : policy_names(configs)) {
    const DtypePolicy policy = load_policy(configs, name);
    policies.push_back(to_json(policy));
    rows.push_back({name, policy.description});
  }
  std::cout << (json ? json_text(policies, 1) + "\n" : aligned(rows));
}

// Of a list, what its entries are about.
std::string value_text(const Json& value) {
  if (!value.is_array()) return readable(value);
  std::vector<std::string> modules;
  for (const Json& exception : value)
    modules.push_back(readable(exception.at("module")));
  return modules.empty() ? "none" : join(modules, ", ");
}

void show_policy(const PoliciesOptions& options) {
  const Json policy = to_json(load_policy(configs_folder(), options.name));
  if (options.json) {
    std::cout << json_text(policy, 1) << '\n';
    return;
  }
  std::cout << readable(policy.at("name")) << ": " << readable(policy.at("description")) << "\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [field, words] : policy_fields())
    rows.push_back({"  " + field, value_text(policy.at(key_pointer(field))), words});
  std::cout << aligned(rows);
}

}  // namespace

void add_policies_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("policies", "list the floating-point policies, or describe one");
  const auto options = std::make_shared<PoliciesOptions>();
  command->add_option("name", options->name, "policy name or .toml file");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] {
    if (options->name.empty())
      list_policies(options->json);
    else
      show_policy(*options);
  });
}

}  // namespace dtbench
