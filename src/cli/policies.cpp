#include <array>
#include <iostream>
#include <memory>

#include "base/places.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "config/resolve.h"
#include "config/settings.h"

namespace dtbench {
namespace {

struct PoliciesOptions {
  std::string name;
  bool json = false;
};

struct Meaning {
  const char* field;
  const char* words;
};
constexpr std::array kMeanings = {
    Meaning{"parameters", "stored weights; under mixed precision, the master weights"},
    Meaning{"compute", "operands of matmuls"},
    Meaning{"autocast_rules", "cast lists of mixed precision: none, cuda or cpu"},
    Meaning{"tf32", "fp32 matmuls may use TF32"},
    Meaning{"loss", "contract: fp32 after the logits; transformers: each head's own roundings"},
    Meaning{"gelu", "kernel: one operation, fp32 inside; composite: Transformers' chain"},
    Meaning{"gradients", "stored gradients, across micro-batches"},
    Meaning{"loss_scaling", "dynamic loss scale, like torch's GradScaler"},
    Meaning{"loss_scale.initial", "initial scale"},
    Meaning{"loss_scale.growth_factor", "factor after growth_interval steps without overflow"},
    Meaning{"loss_scale.backoff_factor", "factor after an overflow, whose step is skipped"},
    Meaning{"loss_scale.growth_interval", "steps"},
    Meaning{"optimizer_states", "AdamW's two moments"},
    Meaning{"embedding_states", "the two moments of embeddings"},
    Meaning{"optimizer_arithmetic", "fused: fp32 inside; foreach: rounded after every operation"},
    Meaning{"update_rounding", "rounding of updated weights: nearest, stochastic or kahan"},
    Meaning{"epsilon", "AdamW's"},
    Meaning{"perturb_initial_ulp", "ulps by which each initial weight is moved"}};

void list_policies(bool json) {
  const std::filesystem::path configs = configs_folder();
  Json policies = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : policy_names(configs)) {
    const DtypePolicy policy = load_policy(configs, name);
    policies.push_back(to_json(policy));
    rows.push_back({name, policy.description});
  }
  std::cout << (json ? policies.dump(1) + "\n" : aligned(rows));
}

void show_policy(const PoliciesOptions& options) {
  const Json policy = to_json(load_policy(configs_folder(), options.name));
  if (options.json) {
    std::cout << policy.dump(1) << '\n';
    return;
  }
  std::cout << readable(policy.at("name")) << ": " << readable(policy.at("description")) << "\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [field, words] : kMeanings)
    rows.push_back({std::string("  ") + field, readable(policy.at(key_pointer(field))), words});
  std::cout << aligned(rows);
}

}  // namespace

void add_policies_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("policies", "list the floating-point policies, or explain one");
  const auto options = std::make_shared<PoliciesOptions>();
  command->add_option("name", options->name, "a policy's name or .toml file");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] {
    if (options->name.empty())
      list_policies(options->json);
    else
      show_policy(*options);
  });
}

}  // namespace dtbench
