#include "report/entry_words.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/study_policies.h"
#include "record/status.h"
#include "report/number_text.h"

namespace dtbench {

std::string ending(const std::string& state) {
  if (const auto outcome = enum_from<Outcome>(state)) switch (*outcome) {
      case Outcome::kTrained:
        return "trained";
      case Outcome::kNonfinite:
        return "met a NaN or an infinity";
      case Outcome::kDivergedFinite:
        return "diverged";
      case Outcome::kStalled:
        return "did not train beyond a constant answer";
    }
  if (state == to_string(Status::kOutOfMemory)) return "ran out of memory";
  return concat("ended as '", state, "'");
}

bool is_alternative(const std::string& policy) {
  return policy != kReferencePolicy && policy != kNoisePolicy;
}

bool has_outcome(const Json& entry) {
  const std::vector<std::string> outcomes = all_names<Outcome>();
  return std::any_of(outcomes.begin(), outcomes.end(), [&](const std::string& outcome) {
    return entry.at("states").contains(outcome);
  });
}

bool all_trained(const Json& entry) {
  return entry.at("states").size() == 1 &&
         entry.at("states").contains(to_string(Outcome::kTrained));
}

bool any_nonfinite(const Json& entry) {
  return entry.at("states").contains(to_string(Outcome::kNonfinite));
}

double lost_share(const Json& entry) {
  const Json& range = entry.at("lost_updates");
  return range.is_null() ? 0 : range.at("mean").get<double>();
}

std::string explanation(const Json& entry, const Json& reference) {
  std::vector<std::string> parts;
  if (lost_share(entry) - lost_share(reference) >= kLostWorthSaying)
    parts.push_back(concat("rounding loses ", formatted("%.0f", 100 * lost_share(entry)),
                           " % of its weights' updates"));
  if (const Json& skipped = entry.at("skipped_steps"); !skipped.is_null() && skipped.at("mean") > 0)
    parts.push_back(concat("its loss scale skips ", fixed(skipped.at("mean"), "%.3g"), " steps"));
  return join(parts, "; ");
}

std::string explained(const Json& entry, const Json& reference) {
  const std::string words = explanation(entry, reference);
  return words.empty() ? "" : concat(" (", words, ")");
}

std::string listed(const std::vector<std::string>& parts) {
  if (parts.size() < 2) return join(parts, "");
  return concat(join({parts.begin(), parts.end() - 1}, ", "), " and ", parts.back());
}

std::string place_of(const Json& row) {
  std::string label = row.at("label");
  const std::size_t comma = label.find(", ");
  if (comma == std::string::npos) return label;
  return concat(label.substr(0, comma), " (", label.substr(comma + 2), ")");
}

std::string places(const std::vector<std::string>& labels, const Json& rows) {
  constexpr std::array kNumbers = {"three", "four", "five", "six"};
  const std::size_t n = labels.size();
  const bool settings = std::any_of(rows.begin(), rows.end(), [](const Json& row) {
    return row.at("label") != row.at("scenario");
  });
  if (n != rows.size() || n < 3 || settings) return listed(labels);
  return concat("all ", n - 3 < kNumbers.size() ? kNumbers.at(n - 3) : std::to_string(n),
                " scenarios");
}

}  // namespace dtbench
