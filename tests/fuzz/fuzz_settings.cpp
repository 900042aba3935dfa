#include "analysis/hypothesis_file.h"
#include "base/error.h"
#include "config/draft.h"
#include "config/policy.h"
#include "config/write_policy.h"
#include "fuzz/harness.h"

namespace dtbench {
namespace {

// Each reader takes another kind of file, so an Error of one does not end the others.
template <typename Read>
void attempt(Read read) {
  try {
    read();
  } catch (const Error&) {
  }
}

}  // namespace

// What TOML files hold, as JSON: a policy, a hypothesis, a scenario, settings of a run.
void fuzz_settings(std::string_view bytes) {
  const std::optional<Json> parsed = parse_json_or_none(bytes);
  if (!parsed || !parsed->is_object()) return;
  attempt([&] {
    const DtypePolicy policy = policy_from_json(*parsed, "a policy");
    require(policy_from_json(to_json(policy), "itself").name == policy.name, "a policy is kept");
    policy_toml(policy);
  });
  attempt([&] { hypothesis_from_json(*parsed, "any", "a hypothesis"); });
  for (const Authority authority : {Authority::kScenario, Authority::kUser})
    attempt([&] {
      Draft draft;
      draft.lay_over(*parsed, "a file", authority);
      draft.finish(DtypePolicy{});
    });
}

}  // namespace dtbench
