#include "report/recommendation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/divergence.h"
#include "analysis/pairing.h"
#include "base/text.h"
#include "report/number_text.h"

namespace dtbench {
namespace {

constexpr int kFirmSeeds = 5;  // the contract's minimum

std::string with_interval(const Json& summary, const char* key, const char* format) {
  return fixed(summary.at(key), format) + interval(summary, format);
}

std::string words(const std::string& state) {
  if (state == "nonfinite") return "met a NaN or an infinity";
  if (state == "diverged_finite") return "diverged";
  if (state == "out_of_memory") return "ran out of memory";
  if (state == "stalled") return "did not train beyond a constant answer";
  return concat("ended as '", state, "'");
}

bool all_trained(const Json& entry) {
  return entry.at("states").size() == 1 && entry.at("states").contains("trained");
}

// "2 of 5 seeds met a NaN or an infinity (first at step 7)"
std::string not_trained(const Json& entry) {
  std::vector<std::string> parts;
  for (const auto& [state, count] : entry.at("states").items()) {
    if (state == "trained") continue;
    const std::size_t n = entry.at("cells").size();
    const std::string who = n == 1 ? "" : concat(count.dump(), " of ", n, " seeds ");
    const Json& first = entry.at("first_nonfinite");
    parts.push_back(concat(who, words(state),
                           state == "nonfinite" && !first.is_null()
                               ? concat(" (first at step ", first[0].dump(), ")")
                               : ""));
  }
  return join(parts, ", ");
}

// By how much the policy's quality may be worse than the reference's.
double allowed(const Json& row, const Json& reference) {
  const Json& quality = row.at("quality");
  const double margin = quality.at("margin").get<double>();
  const Json& value = reference.at("quality");
  return quality.at("relative") == true ? margin * value.at("mean").get<double>() : margin;
}

// Why the policy does not qualify; nothing where it does.
std::optional<std::string> objection(const Json& row, const Json& entry, const Json& reference) {
  if (!all_trained(entry)) return not_trained(entry);
  const Json &difference = entry.at("difference"), &speed = entry.at("speed");
  if (difference.is_null() || speed.is_null() || reference.at("quality").is_null())
    return "it cannot be paired with fp32_true";
  const bool higher = row.at("quality").at("higher_is_better") == true;
  const Json& end = difference.at("low").is_null() ? difference.at("mean")
                    : higher                       ? difference.at("low")
                                                   : difference.at("high");
  const double worse = (higher ? -1 : 1) * end.get<double>();
  if (worse > allowed(row, reference))
    return concat(row.at("quality").at("name").get<std::string>(), " may be worse by more than ",
                  fixed(allowed(row, reference), "%.4f"), ": ",
                  with_interval(difference, "mean", "%+.4f"));
  const Json& slow_end = speed.at("low").is_null() ? speed.at("ratio") : speed.at("low");
  if (slow_end.get<double>() <= 1)
    return concat("it is not certainly faster: ", with_interval(speed, "ratio", "%.2f"),
                  " times fp32_true's samples/s");
  return std::nullopt;
}

std::string because(const Json& row, const Json& entry) {
  std::string text =
      concat(with_interval(entry.at("speed"), "ratio", "%.2f"), " times the samples/s, ",
             row.at("quality").at("name").get<std::string>(), " ",
             with_interval(entry.at("difference"), "mean", "%+.4f"));
  if (!entry.at("memory").is_null())
    text += concat(", ", fixed(entry.at("memory").at("ratio"), "%.2f"), " times the peak memory");
  const std::size_t n = entry.at("cells").size();
  return text + (n == 1 ? "" : concat("; all ", n, " seeds trained"));
}

// What a choice was held against: the fewest pairs that a comparison it rests on has, and the most
// disturbed ones.
struct Ground {
  std::size_t seeds;
  std::int64_t disturbed_pairs = 0;

  void rests_on(const Json& entry) {
    for (const char* metric : {"difference", "speed"})
      if (const Json& summary = entry.at(metric); !summary.is_null())
        seeds = std::min(seeds, summary.at("n").get<std::size_t>());
    disturbed_pairs = std::max(disturbed_pairs, entry.value("disturbed_pairs", std::int64_t{0}));
  }
};

// fp32_true is chosen where the others were passed over: for what they measured, if they trained.
Ground ground_of(const Json& policies, const std::string& chosen) {
  Ground ground{policies.at(chosen).at("cells").size()};
  if (chosen != kReferencePolicy) {
    ground.rests_on(policies.at(chosen));
    return ground;
  }
  for (const auto& [policy, entry] : policies.items())
    if (policy != kReferencePolicy && policy != kNoisePolicy && all_trained(entry))
      ground.rests_on(entry);
  return ground;
}

Json provisos(const Json& row, const Ground& ground) {
  const std::size_t seeds = ground.seeds;
  Json list = Json::array();
  if (seeds < kFirmSeeds)
    list.push_back(concat(seeds,
                          seeds == 1 ? " pair of seeds, which has no interval" : " pairs of seeds",
                          "; ", kFirmSeeds, " are required"));
  if (row.at("synthetic") == true) list.push_back("generated data");
  if (ground.disturbed_pairs > 0)
    list.push_back(concat("timings of ", ground.disturbed_pairs,
                          ground.disturbed_pairs == 1 ? " pair" : " pairs", " were disturbed"));
  return list;
}

Json none(const std::string& why) {
  return {{"policy", nullptr},
          {"firm", false},
          {"because", why},
          {"provisos", Json::array()},
          {"against", Json::object()}};
}

// Of those that stayed finite and came to their end, the fastest: all that can be said where
// fp32_true does not train.
std::string fastest_finite(const Json& row) {
  std::string name;
  double best = 1;
  bool disturbed = false;
  for (const auto& [policy, entry] : row.at("policies").items()) {
    const Json& states = entry.at("states");
    const bool finite =
        std::all_of(states.items().begin(), states.items().end(),
                    [](const auto& s) { return s.key() == "trained" || s.key() == "stalled"; });
    if (policy == kNoisePolicy || !finite || entry.at("speed").is_null()) continue;
    const double ratio = entry.at("speed").at("ratio").template get<double>();
    if (ratio > best) {
      best = ratio;
      name = policy;
      disturbed = entry.value("disturbed_pairs", 0) > 0;
    }
  }
  if (name.empty()) return "";
  return concat("; fastest that stayed finite: ", name, ", ", fixed(best, "%.2f"),
                " times its samples/s", disturbed ? " (timings disturbed)" : "");
}

// With the reason where it is that fp32_true did not train.
std::string nothing_to_recommend(const Json& rows) {
  std::vector<std::string> untrained;
  for (const Json& row : rows)
    if (const Json& policies = row.at("policies");
        policies.contains(kReferencePolicy) && !all_trained(policies.at(kReferencePolicy)))
      untrained.push_back(row.at("label"));
  if (untrained.empty()) return "No policy can be recommended from these records.";
  return concat("No policy can be recommended yet: fp32_true itself is not trained in ",
                join(untrained, ", "), ".");
}

}  // namespace

Json recommendation(const Json& row) {
  const Json& policies = row.at("policies");
  if (!policies.contains(kReferencePolicy))
    return none("there is no fp32_true to compare the other policies with");
  const Json& reference = policies.at(kReferencePolicy);
  if (!all_trained(reference))
    return none(concat("fp32_true: ", not_trained(reference), fastest_finite(row)));
  std::string best;
  Json against = Json::object();
  for (const auto& [policy, entry] : policies.items()) {
    if (policy == kReferencePolicy || policy == kNoisePolicy) continue;
    if (const auto why = objection(row, entry, reference)) {
      against[policy] = *why;
      continue;
    }
    if (best.empty() || entry.at("speed").at("ratio") > policies.at(best).at("speed").at("ratio"))
      best = policy;
  }
  const bool only_reference = best.empty();
  if (only_reference && against.empty()) return none("there is no policy besides fp32_true");
  const std::string chosen = only_reference ? kReferencePolicy : best;
  const Json& entry = policies.at(chosen);
  Json json = {{"policy", chosen},
               {"because", only_reference ? "no other policy is both certainly faster and as good"
                                          : because(row, entry)},
               {"provisos", provisos(row, ground_of(policies, chosen))},
               {"against", against}};
  json["firm"] = json["provisos"].empty();
  return json;
}

std::string answer(const Json& rows) {
  std::vector<std::string> policies, open;  // in the order of the rows
  std::map<std::string, std::vector<std::string>> rows_of;
  bool firm = true;
  for (const Json& row : rows) {
    const Json& said = row.at("recommendation");
    if (said.at("policy").is_null()) {
      open.push_back(row.at("label"));
      continue;
    }
    const std::string policy = said.at("policy");
    if (!rows_of.contains(policy)) policies.push_back(policy);
    rows_of[policy].push_back(row.at("label"));
    firm = firm && said.at("firm") == true;
  }
  if (rows.empty()) return "There are no records to base an answer on.";
  if (policies.empty()) return nothing_to_recommend(rows);
  std::vector<std::string> parts;
  for (const std::string& policy : policies)
    parts.push_back(concat(policy, " in ", join(rows_of[policy], ", ")));
  return concat(firm ? "Use " : "Provisionally, use ", join(parts, "; "),
                open.empty() ? "." : concat("; no answer for ", join(open, ", "), "."));
}

}  // namespace dtbench
