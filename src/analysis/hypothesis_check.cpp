#include "analysis/hypothesis_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>

#include "analysis/planning.h"
#include "config/dotted_key.h"
#include "config/fields.h"
#include "config/settings.h"

namespace dtbench {
namespace {

// Below these an interval rests on too little, however it comes out (contract, "Verdicts").
constexpr std::int64_t kFewestSeeds = 5, kFewestSeedsOfRates = 8, kFewestSessions = 6;
// Checking a plan takes its square in memory, and a seed has 32 bits.
constexpr std::int64_t kMostPlanned = 1000, kLastSeed = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kFewestRates = 3;  // a lower, a middle and a higher one

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Refuses what contradicts itself or the estimand, naming the file.
class HypothesisCheck {
 public:
  HypothesisCheck(const Hypothesis& hypothesis, std::string origin)
      : hypothesis_(hypothesis),
        origin_(std::move(origin)),
        estimand_(concat("estimand = \"", to_string(hypothesis.estimand), "\"")) {}

  void all() const {
    contrast();
    threshold();
    plan();
    keys_of_the_estimand();
    if (is(Estimand::kStableRate)) rates();
    where("where", hypothesis_.where);
    for (const ScenarioPair& pair : hypothesis_.contrast.pair)
      where("contrast.pair.where", pair.where);
    for (const Control& control : hypothesis_.control)
      check(control);
  }

 private:
  bool is(Estimand estimand) const { return hypothesis_.estimand == estimand; }

  void require(bool condition, const std::string& message, const std::string& hint) const {
    if (!condition) throw usage_error(concat(message, " in ", origin_, "."), hint);
  }

  void contrast() const {
    const Contrast& c = hypothesis_.contrast;
    require(!c.policies.empty() && !c.pair.empty(), "'contrast' lacks 'policies' or a 'pair'",
            "Name at least one policy, and a [[contrast.pair]] with 'better' and 'worse'.");
    std::set<std::string> labels;
    for (const ScenarioPair& pair : c.pair) {
      require(!pair.better.empty() && !pair.worse.empty(),
              "A [[contrast.pair]] lacks 'better' or 'worse'", "Name a scenario for each.");
      require(pair.better != pair.worse,
              concat("Scenario '", pair.better, "' stands on both sides of a [[contrast.pair]]"),
              "'better' and 'worse' are compared.");
      require(labels.insert(pair.label()).second,
              concat("Two [[contrast.pair]] are called '", pair.label(), "'"),
              "Give them names: name = \"...\".");
    }
  }

  void threshold() const {
    const double value = hypothesis_.threshold;
    const bool in_range = is(Estimand::kStableRate) ? std::isfinite(value)
                          : is(Estimand::kSurvival) ? value > -1 && value < 1
                          : is(Estimand::kSpeedup)  ? value > 0
                                                    : value > 0 && value <= 1;
    require(in_range, concat("'threshold' is ", value),
            "stable_rate: octaves, 0 say; survival: a difference of shares, 0 say; speedup: a "
            "ratio to exceed, 1.02 say; non_inferiority: the average precision that may be lost.");
  }

  void plan() const {
    const Hypothesis& h = hypothesis_;
    require(h.alpha > 0 && h.alpha < 0.5, concat("'alpha' is ", h.alpha), "0.05 is usual.");
    const std::int64_t fewest = is(Estimand::kSpeedup)      ? kFewestSessions
                                : is(Estimand::kStableRate) ? kFewestSeedsOfRates
                                                            : kFewestSeeds;
    require(h.planned() >= fewest, concat("'", h.unit(), "' is ", h.planned()),
            concat("The file fixes the number before the runs; ", to_string(h.estimand),
                   " needs at least ", fewest, "."));
    require(h.planned() <= kMostPlanned, concat("'", h.unit(), "' is ", h.planned()),
            concat("At most ", kMostPlanned, "."));
    require(h.first_seed >= 0 && h.first_seed <= kLastSeed - h.planned(),
            concat("'first_seed' is ", h.first_seed),
            concat("0 or more; seeds end at ", kLastSeed, "."));
    const std::vector<std::int64_t> looks = h.planned_looks();
    require(std::is_sorted(looks.begin(), looks.end(), std::less_equal<>()) && looks.front() >= 2 &&
                looks.back() == h.planned(),
            "'looks' do not ascend to the planned number",
            concat("The last is ", h.planned(),
                   ", each smaller than the next; leave them out to "
                   "look once."));
    for (const std::int64_t seed : h.excluded_seeds)
      require(seed < h.first_seed || seed >= h.first_seed + h.seeds,
              concat("Seed ", seed, " is planned and is among 'excluded_seeds'"),
              "What was seen before the rule decides nothing: raise 'first_seed'.");
  }

  // Each key beside those that every estimand has, with the estimands it goes with.
  void keys_of_the_estimand() const {
    const Hypothesis& h = hypothesis_;
    const bool rates = is(Estimand::kStableRate), speed = is(Estimand::kSpeedup);
    const bool inferiority = is(Estimand::kNonInferiority);
    const auto only_with = [&](bool goes, bool there, const char* key) {
      require(goes || !there, concat("'", key, "' does not go with ", estimand_), "Leave it out.");
    };
    require(inferiority == !h.contrast.safe_policies.empty(),
            concat("'contrast.safe_policies' does not go with ", estimand_),
            "non_inferiority needs it: the policies that are to stay as good as the reference.");
    only_with(inferiority, h.reference_lead != 0, "reference_lead");
    only_with(inferiority, h.planning_sd != 0, "planning_sd");
    only_with(rates, !h.rates.empty(), "rates");
    only_with(rates, h.reference_rate != 0, "reference_rate");
    only_with(speed, h.sessions != 0, "sessions");
    only_with(!speed, h.seeds != 0, "seeds");
    only_with(is(Estimand::kSurvival), h.outcome != SurvivalOutcome::kFinite, "outcome");
    for (const ScenarioPair& pair : h.contrast.pair)
      only_with(speed, pair.equal_tokens_per_step, "contrast.pair.equal_tokens_per_step");
    require(h.planning_sd >= 0, concat("'planning_sd' is ", h.planning_sd),
            "The standard deviation of a paired difference, from earlier seeds.");
  }

  void rates() const {
    const std::vector<double>& rates = hypothesis_.rates;
    require(rates.size() >= kFewestRates && rates.front() > 0 &&
                std::is_sorted(rates.begin(), rates.end(), std::less_equal<>()),
            "'rates' are no ascending grid",
            concat("At least ", kFewestRates,
                   " learning rates, each larger than the one before; "
                   "they are fixed before the runs."));
    require(std::find(rates.begin(), rates.end(), hypothesis_.reference_rate) != rates.end(),
            concat("'reference_rate' is ", hypothesis_.reference_rate, ", which is not in 'rates'"),
            "Survival at this rate is reported beside the verdict.");
  }

  void check(const Control& control) const {
    const std::string which = concat("Control '", control.name, "'");
    require(!control.name.empty(), "A control has no 'name'", "Give it one.");
    require(!control.policy.empty() || !control.where.empty(), which + " changes nothing",
            "'policy' takes another policy, 'where' other settings.");
    require(control.replaces.empty() || holds(hypothesis_.contrast.policies, control.replaces),
            concat(which, " replaces '", control.replaces, "', which is not in the contrast"),
            suggestion(control.replaces, hypothesis_.contrast.policies));
    require(is(Estimand::kStableRate) || is(Estimand::kSurvival) ||
                (control.if_better.empty() && control.if_worse.empty()),
            concat(which, " says what it shows by survival"),
            "'if_better' and 'if_worse' go with stable_rate and survival.");
    where("control.where", control.where);
  }

  // Scenarios of the contrast, and below them keys of a spec with values of their kind.
  void where(const std::string& name, const Json& value) const {
    const FieldPlace place{name, origin_};
    const std::vector<std::string> scenarios = scenarios_of(hypothesis_);
    if (!value.is_object()) throw wrong_value(place, "a table of scenarios", value);
    for (const auto& [scenario, settings] : value.items()) {
      const FieldPlace inside = place.member(scenario);
      if (!holds(scenarios, scenario)) throw unknown_key(inside, members(place, scenarios));
      if (!settings.is_object() || settings.empty())
        throw wrong_value(inside, "a table of settings", settings);
      const Json keys = settings.flatten();
      for (const auto& [pointer, wanted] : keys.items())
        setting(inside, pointer, wanted);
    }
  }

  void setting(const FieldPlace& scenario, const std::string& pointer, const Json& wanted) const {
    const std::string key = dotted_key(pointer);
    const Json& fields = spec_fields();
    if (!fields.contains(key_pointer(key)) || fields.at(key_pointer(key)).is_object())
      throw unknown_key(scenario.member(key), members(scenario, settable_keys()));
    const Json& usual = fields.at(key_pointer(key));
    if (usual.is_number() != wanted.is_number() || usual.is_string() != wanted.is_string())
      throw wrong_value(scenario.member(key), usual.is_number() ? "a number" : "text", wanted);
    require(key != "train.learning_rate" || !is(Estimand::kStableRate),
            concat("'", scenario.member(key).name, "' does not go with ", estimand_),
            "'rates' says which rates are compared.");
  }

  static std::vector<std::string> members(const FieldPlace& place, std::vector<std::string> names) {
    for (std::string& name : names)
      name = place.member(name).name;
    return names;
  }

  const Hypothesis& hypothesis_;
  std::string origin_, estimand_;
};

}  // namespace

void check_hypothesis(const Hypothesis& hypothesis, const std::string& origin) {
  HypothesisCheck(hypothesis, origin).all();
}

void check_plan(const Hypothesis& hypothesis, std::size_t family, const std::string& origin) {
  const std::vector<std::int64_t> looks = hypothesis.planned_looks();
  const double alpha =
      hypothesis.alpha / static_cast<double>(family) / static_cast<double>(looks.size());
  for (const std::int64_t look : looks) {
    if (can_decide(hypothesis, look, alpha)) continue;
    const std::int64_t enough = fewest_that_can_decide(hypothesis, alpha);
    throw usage_error(
        concat("With ", look, " ", hypothesis.unit(),
               " not even the best or the worst possible outcome decides in ", origin,
               ": alpha is ", formatted("%.2g", alpha), " for each of ", looks.size(),
               looks.size() == 1 ? " look" : " looks", ", ", family,
               family == 1 ? " hypothesis" : " hypotheses", " in family '", hypothesis.family,
               "' and ", hypothesis.parts(), " comparisons that all have to hold."),
        enough > 0 ? concat("Plan at least ", enough, " ", hypothesis.unit(),
                            ", or fewer looks, or a family of its own.")
                   : "The threshold lies beyond what can be measured.");
  }
}

}  // namespace dtbench
