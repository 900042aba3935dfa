#include "report/headline.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/text.h"
#include "config/study_policies.h"
#include "report/entry_words.h"
#include "report/number_text.h"
#include "report/recommendation.h"

namespace dtbench {
namespace {

using Names = std::vector<std::string>;

// Names with the rows that each belongs to, in the order in which they came.
class Places {
 public:
  void add(const std::string& name, const Json& row) {
    if (!labels_.contains(name)) names_.push_back(name);
    labels_[name].push_back(place_of(row));
  }
  bool empty() const { return names_.empty(); }
  std::size_t size() const { return names_.size(); }
  // "amp_bf16 in A and B; fp32_true in C"
  std::string text(const Json& rows, const char* separator = "; ") const {
    Names parts;
    for (const std::string& name : names_)
      parts.push_back(concat(name, " in ", places(labels_.at(name), rows)));
    return join(parts, separator);
  }
  // "amp_fp16 in A; amp_bf16 and bf16_pure in all six scenarios": names of the same rows together.
  std::string grouped(const Json& rows) const {
    std::map<Names, Names> by_labels;
    for (const std::string& name : names_)
      by_labels[labels_.at(name)].push_back(name);
    Names parts;
    for (const auto& [labels, names] : by_labels)
      parts.push_back(concat(listed(names), " in ", places(labels, rows)));
    return join(parts, "; ");
  }

 private:
  Names names_;
  std::map<std::string, Names> labels_;
};

const Json* entry_of(const Json& row, const char* policy) {
  const Json& policies = row.at("policies");
  return policies.contains(policy) ? &policies.at(policy) : nullptr;
}

bool reference_trained(const Json& row) {
  const Json* reference = entry_of(row, kReferencePolicy);
  return reference != nullptr && all_trained(*reference);
}

bool has_strength(const Json& row, const std::set<std::string>& strengths) {
  const Json& strength = row.at("recommendation").at("strength");
  return strength.is_string() && strengths.contains(strength.get<std::string>());
}

// "Fastest finite so far: " at the beginning of the headline, "fastest finite so far: " within it.
std::string lead(const char* strength, bool begins) {
  std::string text = lead_of(strength) + " ";
  if (!begins) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// Those whose recommendation has one of the strengths.
Places chosen(const Json& rows, const std::set<std::string>& strengths) {
  Places found;
  for (const Json& row : rows)
    if (has_strength(row, strengths)) found.add(row.at("recommendation").at("policy"), row);
  return found;
}

Names labels_where(const Json& rows, bool (*condition)(const Json& row)) {
  Names labels;
  for (const Json& row : rows)
    if (condition(row)) labels.push_back(place_of(row));
  return labels;
}

// The policies of which it holds, each with its rows.
Places policies_where(const Json& rows,
                      bool (*condition)(const Json& row, const std::string& policy,
                                        const Json& entry)) {
  Places found;
  for (const Json& row : rows)
    for (const auto& [policy, entry] : row.at("policies").items())
      if (condition(row, policy, entry)) found.add(policy, row);
  return found;
}

// Policies that met a NaN, one seed is enough, whatever fp32_true did.
Places dead(const Json& rows) {
  return policies_where(rows, [](const Json&, const std::string&, const Json& entry) {
    return any_nonfinite(entry);
  });
}

// Policies that stayed finite and did not train where fp32_true did.
Places untrained(const Json& rows) {
  return policies_where(rows, [](const Json& row, const std::string&, const Json& entry) {
    const Json& states = entry.at("states");
    return reference_trained(row) && !any_nonfinite(entry) &&
           (states.contains("stalled") || states.contains("diverged_finite"));
  });
}

Places trained_on_cpu(const Json& rows) {
  Places found;
  for (const Json& row : rows)
    if (has_strength(row, {"on_cpu"}))
      for (const std::string& policy : trained_like_reference(row))
        found.add(policy, row);
  return found;
}

// With the reason where it is that fp32_true did not train.
std::string nothing_to_recommend(const Json& rows) {
  const Names untrained = labels_where(rows, [](const Json& row) {
    return entry_of(row, kReferencePolicy) != nullptr && !reference_trained(row);
  });
  if (untrained.empty()) return "No policy can be recommended from these records";
  return concat("No policy can be recommended yet: fp32_true itself is not trained in ",
                listed(untrained));
}

// Without a full stop.
std::string choice(const Json& rows) {
  const bool on_cpu = std::any_of(rows.begin(), rows.end(),
                                  [](const Json& row) { return has_strength(row, {"on_cpu"}); });
  const Places firm = chosen(rows, {"firm"}), use = chosen(rows, {"firm", "provisional"}),
               so_far = chosen(rows, {"so_far"});
  if (use.empty() && so_far.empty() && !on_cpu) return nothing_to_recommend(rows);
  Names sentences;
  if (!use.empty())
    sentences.push_back(lead(use.text(rows) == firm.text(rows) ? "firm" : "provisional", true) +
                        use.text(rows));
  if (!so_far.empty()) sentences.push_back(lead("so_far", sentences.empty()) + so_far.text(rows));
  if (on_cpu) {
    const std::string trained = trained_on_cpu(rows).grouped(rows);
    sentences.push_back(concat(lead("on_cpu", sentences.empty()),
                               trained.empty() ? "none" : trained,
                               " (a CPU cannot tell which is fastest)"));
  }
  const Names open = labels_where(
      rows, [](const Json& row) { return row.at("recommendation").at("strength").is_null(); });
  if (!open.empty()) sentences.push_back(concat("nothing can be said of ", listed(open)));
  return join(sentences, "; ");
}

std::string avoid(const Json& rows) {
  Names parts;
  if (const Places found = dead(rows); !found.empty())
    parts.push_back(concat(found.text(rows), ": ", found.size() == 1 ? "it" : "they",
                           " met a NaN or an infinity"));
  if (const Places found = untrained(rows); !found.empty())
    parts.push_back(concat(found.text(rows), ": ", found.size() == 1 ? "it" : "they",
                           " did not train, and fp32_true did"));
  return parts.empty() ? "" : concat(" Avoid ", join(parts, "; "), ".");
}

// --- the closing ---

std::string training_sentence(const Json& rows) {
  const Names trained = labels_where(rows, reference_trained);
  const Names references = labels_where(
      rows, [](const Json& row) { return entry_of(row, kReferencePolicy) != nullptr; });
  std::string text = "There is no finished fp32_true to compare with";
  if (!references.empty())
    text = trained.empty() ? "fp32_true itself did not train"
                           : concat("fp32_true trained in ", places(trained, rows));
  if (!trained.empty() && trained.size() < references.size())
    text += concat(" of ", references.size());
  const Places found = dead(rows);
  if (found.empty()) return text + ", and no policy met a NaN or an infinity.";
  return concat(text, "; a NaN or an infinity ended ", found.text(rows, ", "), ".");
}

struct Loss {
  const Json* row = nullptr;
  std::string policy;
  double worse = 0;  // in units of the margin that is allowed
};

// The policy that stayed finite and ended furthest behind fp32_true.
Loss largest_loss(const Json& rows) {
  Loss largest;
  for (const Json& row : rows) {
    if (!reference_trained(row)) continue;
    const Json& quality = row.at("quality");
    const Json* reference = entry_of(row, kReferencePolicy);
    const double margin =
        quality.at("margin").get<double>() *
        (quality.at("relative") == true ? reference->at("quality").at("mean").get<double>() : 1);
    for (const auto& [policy, entry] : row.at("policies").items()) {
      if (!is_alternative(policy)) continue;
      if (any_nonfinite(entry) || entry.at("difference").is_null()) continue;
      const Json& mean = entry.at("difference").at("mean");
      if (!mean.is_number()) continue;
      const double worse = (quality.at("higher_is_better") == true ? -1 : 1) * mean.get<double>();
      if (worse / margin > largest.worse) largest = {&row, policy, worse / margin};
    }
  }
  return largest;
}

// " (a one-ulp change of the initial weights moves it by 0.0030)"
std::string noise_words(const Json& row) {
  const Json* noise = entry_of(row, kNoisePolicy);
  if (noise == nullptr || noise->at("difference").is_null()) return "";
  const Json& mean = noise->at("difference").at("mean");
  if (!mean.is_number()) return "";
  return concat(" (a one-ulp change of the initial weights moves it by ",
                formatted("%.4f", std::abs(mean.get<double>())), ")");
}

// "Rounding loses up to 18 % of bf16_pure's weight updates; " of the policy that loses most.
std::string lost_updates(const Json& rows) {
  std::string policy;
  double most = 0;
  for (const Json& row : rows) {
    const Json* reference = entry_of(row, kReferencePolicy);
    const double unavoidable = reference == nullptr ? 0 : lost_share(*reference);
    for (const auto& [name, entry] : row.at("policies").items()) {
      const double lost = lost_share(entry) - unavoidable;
      if (any_nonfinite(entry) || lost < kLostWorthSaying || lost < most) continue;
      most = lost;
      policy = name;
    }
  }
  if (policy.empty()) return "";
  return concat("Rounding loses up to ", formatted("%.0f", 100 * most), " % of ", policy,
                "'s weight updates; ");
}

// Whether the quality of any policy stands beside fp32_true's.
bool is_compared(const Json& rows) {
  for (const Json& row : rows)
    for (const auto& [policy, entry] : row.at("policies").items())
      if (is_alternative(policy) && !entry.at("difference").is_null()) return true;
  return false;
}

std::string loss_sentence(const Json& rows) {
  const std::string rounding = lost_updates(rows);
  const Loss loss = largest_loss(rows);
  if (loss.row == nullptr)
    return concat(rounding, rounding.empty() ? "No" : "no",
                  is_compared(rows) ? " policy that stayed finite ended behind fp32_true."
                                    : " policy could be compared with fp32_true.");
  const Json& row = *loss.row;
  const Json& entry = row.at("policies").at(loss.policy);
  return concat(rounding, rounding.empty() ? "Furthest" : "furthest",
                " behind fp32_true without dying: ", loss.policy, " in ", place_of(row), ", ",
                row.at("quality").at("name").get<std::string>(), " ",
                fixed(entry.at("difference").at("mean"), "%+.4f"),
                loss.worse < 1 ? ", within what counts as equal" : "", noise_words(row), ".");
}

// What a choice lacks to be a recommendation; "" where one is given, or nothing was chosen.
std::string shortcomings(const Json& rows) {
  std::optional<std::size_t> pairs;  // of the row that rests on fewest
  bool synthetic = false;
  for (const Json& row : rows) {
    if (has_strength(row, {"firm", "provisional"})) return "";
    const Json& its = row.at("recommendation").at("pairs");
    if (its.is_null()) continue;
    pairs = std::min(pairs.value_or(its.get<std::size_t>()), its.get<std::size_t>());
    synthetic = synthetic || row.at("synthetic") == true;
  }
  Names weak;
  if (pairs && *pairs < kFewestPairs)
    weak.push_back(concat(*pairs, *pairs == 1 ? " pair" : " pairs", " of seeds"));
  if (synthetic) weak.emplace_back("generated data");
  return weak.empty() ? "" : concat(" No recommendation yet: ", listed(weak), ".");
}

std::string worth_sentence(const Json& rows) {
  return concat(choice(rows), ".", shortcomings(rows));
}

}  // namespace

std::string headline(const Json& rows) {
  if (rows.empty()) return "There are no records to base an answer on.";
  return concat(choice(rows), ".", avoid(rows));
}

Json closing(const Json& rows) {
  if (rows.empty()) return {headline(rows)};
  return {training_sentence(rows), loss_sentence(rows), worth_sentence(rows)};
}

}  // namespace dtbench
