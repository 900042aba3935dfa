#include "report/recommendation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/divergence.h"
#include "analysis/emulation.h"
#include "analysis/pairing.h"
#include "base/text.h"
#include "report/entry_words.h"
#include "report/number_text.h"

namespace dtbench {
namespace {

bool is_on_cpu(const Json& row) {
  return is_cpu(member_or_null(row, "/device"));
}

std::string with_interval(const Json& summary, const char* key, const char* format) {
  return fixed(summary.at(key), format) + interval(summary, format);
}

// ": overflow in attention"; "" where nobody has found out.
std::string cause(const Json& entry) {
  return entry.at("cause") == "" ? "" : concat(": ", entry.at("cause").get<std::string>());
}

// "2 of 5 seeds met a NaN or an infinity (first at step 7)"
std::string not_trained(const Json& entry) {
  std::vector<std::string> parts;
  for (const auto& [state, count] : entry.at("states").items()) {
    if (state == "trained") continue;
    const std::size_t n = entry.at("cells").size();
    const std::string who = n == 1 ? "" : concat(count.dump(), " of ", n, " seeds ");
    const Json& first = entry.at("first_nonfinite");
    parts.push_back(concat(who, ending(state),
                           state == "nonfinite" && !first.is_null()
                               ? concat(" (first at step ", first[0].dump(), cause(entry), ")")
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

// "its accuracy is the constant answer's": it has learned nothing that this score can see.
std::optional<std::string> only_constant(const Json& entry) {
  const Json& score = entry.at("score");
  if (score.is_null() || score.at("mean") > score.at("constant")) return std::nullopt;
  return concat("its ", score.at("name").get<std::string>(),
                " is no better than the constant answer's: ", fixed(score.at("mean"), "%.4f"),
                " against ", fixed(score.at("constant"), "%.4f"));
}

// Why the policy does not qualify; nothing where it does.
std::optional<std::string> objection(const Json& row, const Json& entry, const Json& reference) {
  if (!all_trained(entry)) return not_trained(entry) + explained(entry, reference);
  if (const auto why = only_constant(entry)) return *why + explained(entry, reference);
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
                  with_interval(difference, "mean", "%+.4f"), explained(entry, reference));
  if (is_on_cpu(row)) return std::nullopt;
  const Json& slow_end = speed.at("low").is_null() ? speed.at("ratio") : speed.at("low");
  if (slow_end.get<double>() <= 1)
    return concat("it is not certainly faster: ", with_interval(speed, "ratio", "%.2f"),
                  " times fp32_true's samples/s");
  return std::nullopt;
}

std::string because(const Json& row, const Json& entry, const Json& reference) {
  std::string text =
      concat(with_interval(entry.at("speed"), "ratio", "%.2f"), " times the samples/s, ",
             row.at("quality").at("name").get<std::string>(), " ",
             with_interval(entry.at("difference"), "mean", "%+.4f"));
  if (!entry.at("memory").is_null())
    text += concat(", ", fixed(entry.at("memory").at("ratio"), "%.2f"), " times the peak memory");
  const std::size_t n = entry.at("cells").size();
  return text + explained(entry, reference) + (n == 1 ? "" : concat("; all ", n, " seeds trained"));
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

// fp32_true is chosen where the others were passed over: for what they measured, if they trained,
// or for how their training ended; no pairs where no other had an end.
Ground ground_of(const Json& policies, const std::string& chosen) {
  Ground ground{policies.at(chosen).at("cells").size()};
  if (chosen != kReferencePolicy) {
    ground.rests_on(policies.at(chosen));
    return ground;
  }
  bool compared = false;
  for (const auto& [policy, entry] : policies.items()) {
    if (!is_alternative(policy) || !has_outcome(entry)) continue;
    compared = true;
    if (all_trained(entry))
      ground.rests_on(entry);
    else
      ground.seeds = std::min(ground.seeds, entry.at("cells").size());
  }
  if (!compared) ground.seeds = 0;
  return ground;
}

Json provisos(const Json& row, const Ground& ground) {
  const std::size_t seeds = ground.seeds;
  Json list = Json::array();
  if (seeds < kFewestPairs)
    list.push_back(concat(seeds,
                          seeds == 1 ? " pair of seeds, which has no interval" : " pairs of seeds",
                          "; ", kFewestPairs, " are asked for"));
  if (row.at("synthetic") == true) list.push_back("generated data");
  if (ground.disturbed_pairs > 0)
    list.push_back(concat("timings of ", ground.disturbed_pairs,
                          ground.disturbed_pairs == 1 ? " pair" : " pairs", " were disturbed"));
  return list;
}

// How much a choice is worth: "firm", "provisional", and below five pairs "so_far".
const char* strength(const Ground& ground, const Json& provisos) {
  if (ground.seeds < kFewestPairs) return "so_far";
  return provisos.empty() ? "firm" : "provisional";
}

Json none(const std::string& why) {
  return {{"policy", nullptr},         {"strength", nullptr},
          {"lead", "Nothing yet:"},    {"named", ""},
          {"pairs", nullptr},          {"because", why},
          {"provisos", Json::array()}, {"against", Json::object()}};
}

// Of those that stayed finite and came to their end, the fastest: all that can be said where
// fp32_true does not train.
std::string fastest_finite(const Json& row) {
  if (is_on_cpu(row)) return "";
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

Json chosen_by_nothing(const Json& row, const Json& against) {
  const std::vector<std::string> trained = trained_like_reference(row);
  const Ground ground = ground_of(row.at("policies"), kReferencePolicy);
  return {{"policy", nullptr},
          {"strength", "on_cpu"},
          {"lead", lead_of("on_cpu")},
          {"named", trained.empty() ? "none" : listed(trained)},
          {"pairs", ground.seeds},
          {"because", "a CPU cannot tell which is fastest"},
          {"provisos", provisos(row, ground)},
          {"against", against}};
}

}  // namespace

std::string lead_of(const std::string& strength) {
  if (strength == "firm") return "Use";
  if (strength == "provisional") return "Provisionally, use";
  return strength == "so_far" ? "Fastest finite so far:" : "Trained like fp32_true so far:";
}

std::vector<std::string> trained_like_reference(const Json& row) {
  const Json& policies = row.at("policies");
  std::vector<std::string> names;
  if (!policies.contains(kReferencePolicy) || !all_trained(policies.at(kReferencePolicy)))
    return names;
  for (const auto& [policy, entry] : policies.items())
    if (is_alternative(policy) && all_trained(entry)) names.push_back(policy);
  return names;
}

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
    if (!is_alternative(policy)) continue;
    if (const auto why = objection(row, entry, reference)) {
      against[policy] = *why;
      continue;
    }
    if (best.empty() || entry.at("speed").at("ratio") > policies.at(best).at("speed").at("ratio"))
      best = policy;
  }
  const bool only_reference = best.empty();
  if (only_reference && against.empty()) return none("there is no other policy than fp32_true");
  if (const auto why = only_constant(reference); only_reference && why) {
    Json nothing = none(concat("fp32_true: ", *why));
    nothing["against"] = against;
    return nothing;
  }
  if (is_on_cpu(row)) return chosen_by_nothing(row, against);
  const std::string chosen = only_reference ? kReferencePolicy : best;
  const Ground ground = ground_of(policies, chosen);
  const Json weakened = provisos(row, ground);
  const std::string worth = strength(ground, weakened);
  return {{"policy", chosen},
          {"strength", worth},
          {"lead", lead_of(worth)},
          {"named", chosen},
          {"pairs", ground.seeds},
          {"because", only_reference ? "nothing else is faster for certain and as good"
                                     : because(row, policies.at(chosen), reference)},
          {"provisos", weakened},
          {"against", against}};
}

}  // namespace dtbench
