#include "cli/shadow.h"

#include <algorithm>
#include <set>

#include "analysis/json_access.h"
#include "base/error.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/explanation.h"
#include "cli/find_run.h"
#include "config/config_files.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

bool is_policy(const std::string& name) {
  const std::vector<std::string> names = policy_names(configs_folder());
  return name.ends_with(".toml") || std::ranges::find(names, name) != names.end();
}

// What two runs may differ in and still have the same steps to compare.
bool may_differ(const std::string& field) {
  static const std::set<std::string> kFree = {"device",
                                              "engine",
                                              "preset",
                                              "model.attention",
                                              "train.steps",
                                              "train.eval_every",
                                              "train.learning_rate",
                                              "train.warmup_steps",
                                              "train.eval_examples",
                                              "train.on_nonfinite"};
  return field.starts_with("policy.") || kFree.contains(field);
}

void require_same_steps(const RunSpec& run, const RunSpec& other) {
  std::vector<std::string> differ;
  for (const Json& difference : differences(to_json(run), to_json(other))) {
    const std::string field = difference.at("field");
    if (!may_differ(field))
      differ.push_back(concat(field, " (", readable(difference.at("here")), " and ",
                              readable(difference.at("there")), ")"));
  }
  if (differ.empty()) return;
  throw usage_error(
      concat("The two runs are not the same cell but for policy, device, attention and rate. They "
             "differ in ",
             join(differ, ", "), "."),
      "Compare runs of one scenario with the same data, seed and model.");
}

RunSpec other_spec(const ShadowRequest& request, RunSpec run) {
  if (is_policy(request.against)) {
    run.policy = load_policy(configs_folder(), request.against);
    return run;
  }
  const fs::path folder = [&] {
    try {
      return find_run(request.against, request.root);
    } catch (const Error&) {
      throw usage_error(
          concat("'", request.against, "' is neither a policy nor a run in '", request.root, "'."),
          suggestion(request.against, policy_names(configs_folder())));
    }
  }();
  RunSpec other = spec_of_run(folder);
  require_same_steps(run, other);
  other.train.steps = run.train.steps;
  return other;
}

}  // namespace

Json shadow_of(const ShadowRequest& request) {
  const RunSpec other = other_spec(request, spec_of_run(request.run));
  return parse_json(
      ask_engine("shadow", request.run,
                 {"--against", json_text(to_json(other)), "--from", std::to_string(request.from),
                  "--steps", std::to_string(request.steps)}));
}

}  // namespace dtbench
