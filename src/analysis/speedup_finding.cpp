// How much more a policy speeds up training on one scenario than on another, session by session and
// card by card.
#include <algorithm>
#include <cmath>
#include <set>

#include "analysis/finding.h"
#include "analysis/json_access.h"
#include "analysis/mean_part.h"
#include "analysis/paired_metric.h"
#include "analysis/sessions.h"
#include "base/text.h"

namespace dtbench {
namespace {

double tokens_per_step(const Cell& cell) {
  return number_or_none(member_or_null(cell.spec, "/train/batch")).value_or(0) *
         number_or_none(member_or_null(cell.spec, "/data/length")).value_or(0);
}

// Cells of one scenario of a pair, under the policy or the reference.
struct TimedCells {
  std::string scenario;
  std::vector<const Cell*> cells;

  bool has(const std::string& policy) const {
    return std::any_of(cells.begin(), cells.end(),
                       [&](const Cell* cell) { return cell->policy == policy; });
  }
};

TimedCells timed_cells(const Evidence& evidence, const std::string& scenario,
                       const std::string& policy, const Json& where) {
  TimedCells found{scenario, {}};
  for (const std::vector<Cell>* list : {&evidence.cells().used, &evidence.cells().repeats})
    for (const Cell& cell : *list)
      if ((cell.policy == policy || cell.policy == kReferencePolicy) &&
          evidence.fits(cell.spec, scenario, where))
        found.cells.push_back(&cell);
  return found;
}

// A cell but for what may differ between those that are compared: policy, seed and card; of another
// scenario, also the data and the model.
Json shared_fields(const Cell& cell, bool same_scenario) {
  Json shared = {{"identity",
                  {{"program", member_or_null(cell.identity, "/program")},
                   {"torch", member_or_null(cell.identity, "/torch")}}}};
  if (same_scenario) {
    shared["spec"] = setting_of(cell.spec, nullptr).spec;
  } else {
    for (const char* field : {"/preset", "/engine", "/train/steps"})
      shared["spec"][Json::json_pointer(field)] = member_or_null(cell.spec, field);
  }
  return shared;
}

std::string apart(const TimedCells& a, const TimedCells& b) {
  const bool same = a.scenario == b.scenario;
  for (const Cell* cell : b.cells) {
    const Json differing =
        differences(shared_fields(*a.cells.front(), same), shared_fields(*cell, same));
    if (differing.empty()) continue;
    return concat(same ? concat("more than one setting on ", a.scenario)
                       : concat(a.scenario, " and ", b.scenario),
                  " differ in ", in_words(differing));
  }
  return "";
}

std::string obstacle_to(const Evidence& evidence, const ScenarioPair& pair, const Variant& variant,
                        const TimedCells& better, const TimedCells& worse) {
  for (const TimedCells* side : {&better, &worse})
    for (const std::string& policy : {variant.policy, std::string(kReferencePolicy)})
      if (!side->has(policy))
        return evidence.nothing_fits(side->scenario, policy, evidence.where(pair, variant));
  for (const auto& [a, b] : {std::pair{&better, &better}, {&worse, &worse}, {&better, &worse}})
    if (const std::string why = apart(*a, *b); !why.empty()) return why;
  const double b = tokens_per_step(*better.cells.front());
  const double w = tokens_per_step(*worse.cells.front());
  if (pair.equal_tokens_per_step && b != w)
    return concat("a step has ", b, " tokens on ", pair.better, " and ", w, " on ", pair.worse,
                  "; the contrast asks for equal numbers");
  return "";
}

// A pair of scenarios on one card.
struct CardTimes {
  std::vector<double> differences;  // a session each
  Json sessions = Json::array();
};

std::map<std::string, CardTimes> times_by_card(const ScenarioPair& pair, const Variant& variant,
                                               const TimedCells& better, const TimedCells& worse,
                                               std::int64_t look) {
  std::vector<const Cell*> cells = better.cells;
  cells.insert(cells.end(), worse.cells.begin(), worse.cells.end());
  std::map<std::string, CardTimes> by_card;
  for (const auto& [card, sessions] : sessions_of(cells)) {
    CardTimes& times = by_card[card];
    for (const Session& session : sessions) {
      const auto b = log_speedup(session, pair.better, variant.policy);
      const auto w = log_speedup(session, pair.worse, variant.policy);
      if (!b || !w || times.differences.size() == static_cast<std::size_t>(look)) continue;
      times.differences.push_back(*b - *w);
      times.sessions.push_back({{"session", session.id},
                                {"began", session.began},
                                {"better", std::exp(*b)},
                                {"worse", std::exp(*w)},
                                {"ratio", std::exp(*b - *w)}});
    }
  }
  return by_card;
}

// Says why they cannot be judged together where a policy of one name is another in other cells.
std::string add_conditions(Conditions& conditions, const ScenarioPair& pair,
                           const TimedCells& side) {
  conditions.settings.emplace(concat(side.scenario, " (", pair.label(), ")"),
                              shared_fields(*side.cells.front(), true));
  for (const Cell* cell : side.cells) {
    const Json& fields = cell->spec.at("policy");
    const Json& known = conditions.policies.emplace(cell->policy, fields).first->second;
    if (std::string what = different_policies(cell->policy, known, fields); !what.empty())
      return what;
  }
  return "";
}

void count_what_weakens(const TimedCells& side,
                        std::map<std::string, std::set<const Cell*>>& found) {
  for (const Cell* cell : side.cells) {
    if (is_disturbed(cell->result)) found["records that call their timings disturbed"].insert(cell);
    if (cell->session.empty())
      found["records that do not say their session, which count as one a card"].insert(cell);
  }
}

}  // namespace

Finding speedup_finding(const Variant& variant, const Evidence& evidence, std::int64_t look) {
  const Hypothesis& hypothesis = evidence.hypothesis();
  Finding finding;
  finding.threshold = std::log(hypothesis.threshold);
  std::map<std::string, std::int64_t> done;  // sessions by card: the fewest of any pair
  std::vector<std::pair<std::string, Part>> parts;
  std::map<std::string, std::set<const Cell*>> weakening;
  for (const ScenarioPair& pair : hypothesis.contrast.pair) {
    const Json where = evidence.where(pair, variant);
    const TimedCells better = timed_cells(evidence, pair.better, variant.policy, where);
    const TimedCells worse = timed_cells(evidence, pair.worse, variant.policy, where);
    if (const std::string why = obstacle_to(evidence, pair, variant, better, worse); !why.empty())
      return cannot_test(why);
    for (const TimedCells* side : {&better, &worse}) {
      if (const std::string why = add_conditions(finding.conditions, pair, *side); !why.empty())
        return cannot_test(why);
      count_what_weakens(*side, weakening);
      finding.synthetic = finding.synthetic || side->cells.front()->synthetic();
    }
    const bool first = done.empty();
    auto times = times_by_card(pair, variant, better, worse, look);
    for (const auto& [card, each] : times) {
      const auto n = static_cast<std::int64_t>(each.differences.size());
      const auto known = done.find(card);
      if (first || known != done.end())
        done[card] = known == done.end() ? n : std::min(known->second, n);
      parts.emplace_back(card, mean_part(concat(pair.label(), ", ", card), each.differences,
                                         {{"card", card}, {"sessions", each.sessions}}));
    }
    for (auto& [card, n] : done)
      if (!times.contains(card)) n = 0;
  }
  for (const auto& [card, n] : done)
    finding.done = std::max(finding.done, n);
  // Cards with the planned sessions are judged, each by itself; the others stand beside them.
  Json beside = Json::array();
  for (auto& [card, part] : parts) {
    const auto n = done.find(card);
    const std::int64_t sessions = n == done.end() ? 0 : n->second;
    if (sessions >= look || finding.done < look)
      finding.parts.push_back(std::move(part));
    else
      beside.push_back({{"part", part.name}, {"evidence", part.evidence}});
  }
  if (finding.done < look) finding.missing = concat(look - finding.done, " sessions on one card");
  finding.evidence = {{"cards", done}, {"cards_with_too_few_sessions", beside}};
  for (const auto& [what, cells] : weakening)
    finding.caveats.push_back(concat(what, ": ", cells.size()));
  return finding;
}

}  // namespace dtbench
