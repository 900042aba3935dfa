#include "report/analysis_text.h"

#include <algorithm>

#include "base/table.h"
#include "base/text.h"
#include "report/number_text.h"
#include "report/target_text.h"

namespace dtbench {
namespace {

constexpr std::size_t kWidth = 98;

std::string count_of(std::size_t n, const std::string& noun) {
  return concat(n, ' ', noun, n == 1 ? "" : "s");
}

// "+0.0123 [+0.0100, +0.0146]" of an estimate's `member`; "-" where nothing was measured.
std::string measured(const Json& estimate, const char* member, const char* format) {
  if (estimate.at("n") == 0) return "-";
  return fixed(estimate.at(member), format) + interval(estimate, format);
}

std::string difference(const Json& estimate) {
  return measured(estimate, "mean", "%+.4f");
}

std::string distance(const Json& estimate) {
  return measured(estimate, "mean", "%.2g");
}

std::string ratio(const Json& estimate) {
  return measured(estimate, "ratio", "%.3f");
}

std::string rough_ratio(const Json& estimate) {
  return measured(estimate, "ratio", "%.3g");
}

// "3 of 5 [0.15, 0.95]" of "finite" or "trained".
std::string share(const Json& stability, const char* which) {
  return concat(stability.at(which).at("count").dump(), " of ", stability.at("n").dump(),
                interval(stability.at(which), "%.2f"));
}

// The first and the last step at which a run met its first non-finite value.
std::string nonfinite(const Json& stability) {
  const Json& curve = stability.at("kaplan_meier");
  if (curve.empty()) return "none";
  const Json &first = curve.front().at("step"), &last = curve.back().at("step");
  return concat("step ", first.dump(), first == last ? "" : concat(" to ", last.dump()));
}

std::string outcomes(const Json& stability) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : stability.at("outcomes").items())
    parts.push_back(concat(count.dump(), ' ', name));
  return join(parts, ", ");
}

std::string differing(const Json& list) {
  std::vector<std::string> parts;
  for (const Json& each : list)
    parts.push_back(concat(readable(each.at("field")), " (", readable(each.at("here")), " here, ",
                           readable(each.at("there")), " there)"));
  return join(parts, "; ");
}

std::string indented(const std::string& text, std::size_t margin) {
  const std::string blanks(margin, ' ');
  std::string lines = blanks;
  for (const char c : wrapped(text, kWidth - margin)) {
    if (lines.back() == '\n') lines += blanks;
    lines += c;
  }
  return lines;
}

// Metrics of policies, one a row; nothing where no policy has any.
std::string metric_table(const Json& setting, const char* title,
                         const std::vector<std::pair<const char*, const char*>>& metrics,
                         std::string (*text)(const Json&)) {
  std::vector<std::pair<const char*, const char*>> shown;
  for (const auto& metric : metrics)
    for (const Json& policy : setting.at("policies"))
      if (policy.at("metrics").at(metric.first).at("n") > 0) {
        shown.push_back(metric);
        break;
      }
  if (shown.empty()) return "";
  Rows rows = {{title}};
  for (const auto& [metric, words] : shown)
    rows.front().emplace_back(words);
  for (const Json& policy : setting.at("policies")) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(concat("  ", readable(policy.at("policy"))));
    for (const auto& [metric, words] : shown)
      row.push_back(text(policy.at("metrics").at(metric)));
  }
  return aligned(rows) + "\n";
}

std::string stability_table(const Json& setting) {
  Rows rows = {{"Stability", "finite", "trained", "first non-finite", "outcomes"}};
  const auto add = [&](const Json& policy) {
    const Json& stability = policy.at("stability");
    rows.push_back({concat("  ", readable(policy.at("policy"))), share(stability, "finite"),
                    share(stability, "trained"), nonfinite(stability), outcomes(stability)});
  };
  add(setting.at("reference"));
  for (const Json& policy : setting.at("policies"))
    add(policy);
  return aligned(rows) + "\n";
}

std::string divergence_table(const Json& setting) {
  Rows rows = {
      {"Loss curve against fp32_true", "largest difference", "mean", "mean / noise floor"}};
  for (const Json& policy : setting.at("policies")) {
    const Json& divergence = policy.at("divergence");
    const Json& over = divergence.at("over_noise_floor");
    rows.push_back({concat("  ", readable(policy.at("policy"))), distance(divergence.at("max")),
                    distance(divergence.at("time_mean")),
                    over.is_null() ? "-" : rough_ratio(over.at("time_mean"))});
  }
  return aligned(rows) + "\n";
}

std::string target_table(const Json& setting) {
  if (!has_targets(setting)) return "";
  Rows rows = {target_head()};
  rows.front().front() = "Until fp32_true's last loss";
  for (std::vector<std::string>& row : target_rows(setting)) {
    row.front().insert(0, "  ");
    rows.push_back(std::move(row));
  }
  return aligned(rows) + indented(target_note(setting), 2) + "\n";
}

std::string setting_title(const Json& setting) {
  const Json& spec = setting.at("spec");
  const std::size_t seeds = setting.at("reference").at("seeds").size();
  return concat("Scenario ", readable(setting.at("scenario")), ", preset ",
                readable(member_or_null(spec, "/preset")), ", ",
                readable(member_or_null(spec, "/train/steps")), " steps on ",
                readable(member_or_null(spec, "/device")), ", ",
                setting.at("synthetic") == true ? "generated data" : "real data", ", ",
                count_of(seeds, "seed"), "\n\n");
}

const char* format_of(const Json& verdict) {
  const Json& estimand = verdict.at("estimand");
  return estimand == "non_inferiority" ? "%+.4f" : estimand == "speedup" ? "%.3f" : "%+.2f";
}

// "GPT-2, E against C +2.00 [+1.00, +3.00] above"
std::string part_text(const Json& part, const char* format) {
  std::string text = readable(part.at("part"));
  if (part.contains("claimed") && part.at("claimed") == "inferior") text += " (to be inferior)";
  return concat(text, " ", fixed(part.at("estimate"), format), interval(part, format), " ",
                readable(part.at("side")));
}

std::string evidence_text(const Json& verdict) {
  const Json& whole = verdict.at("interval");
  if (whole.is_null()) return "";
  std::vector<std::string> parts;
  for (const Json& part : verdict.at("parts"))
    parts.push_back(part_text(part, format_of(verdict)));
  return concat("intervals of ", fixed(whole.at("level").get<double>() * 100, "%.4g"), " %, ",
                readable(whole.at("unit")), ": ", join(parts, "; "));
}

// Both outcomes at the rate of reference, which have no verdict of their own.
std::string at_reference_rate(const Json& verdict) {
  std::vector<std::string> sides;
  for (const Json& part : verdict.at("parts"))
    for (const char* name : {"better", "worse"}) {
      if (!part.contains(name) || !part.at(name).contains("at_reference_rate")) continue;
      const Json &side = part.at(name), &at = side.at("at_reference_rate");
      if (sides.empty()) sides.push_back(concat("at rate ", fixed(at.at("rate"), "%.3g")));
      sides.push_back(concat(readable(side.at("scenario")), " finite ", at.at("finite").dump(),
                             ", trained ", at.at("trained").dump(), " of ", side.at("n").dump()));
    }
  return join(sides, "; ");
}

std::string control_text(const Json& control) {
  std::string text = concat(readable(control.at("control")), " ", readable(control.at("answer")));
  const Json said = member_or_null(control, "/shows/said");
  if (said.is_string()) text += concat(" (it shows: ", readable(said), ")");
  return text;
}

// "2 without a partner, 1 damaged"
std::string left_out_text(const Json& counts) {
  std::vector<std::string> parts;
  for (const auto& [why, count] : counts.items())
    parts.push_back(concat(count.dump(), " ",
                           why == "unpaired"           ? "without a partner"
                           : why == "seed_not_planned" ? "of seeds that are not planned"
                                                       : readable(why)));
  return join(parts, ", ");
}

std::string verdict_text(const Json& verdict) {
  std::string text =
      concat(readable(verdict.at("hypothesis")), ", ", readable(verdict.at("title")), ", ",
             readable(verdict.at("policy")), ": ", readable(verdict.at("verdict")), "\n");
  text += indented(readable(verdict.at("claim")), 2);
  text += indented(readable(verdict.at("reason")), 2);
  for (const std::string& line : {evidence_text(verdict), at_reference_rate(verdict)})
    if (!line.empty()) text += indented(line, 2);
  text += indented(concat("plan: ", readable(verdict.at("plan").at("words"))), 2);
  std::vector<std::string> controls;
  for (const Json& control : verdict.at("controls"))
    if (!control.at("parts").empty()) controls.push_back(control_text(control));
  if (!controls.empty()) text += indented(concat("controls: ", join(controls, "; ")), 2);
  if (const Json& left_out = verdict.at("left_out"); !left_out.empty())
    text += indented(concat("left out: ", left_out_text(left_out)), 2);
  for (const Json& caveat : verdict.at("caveats"))
    text += indented(concat("note: ", readable(caveat)), 2);
  return text;
}

// "3 of 5" finite of a policy at a rate; "-" where it was not run.
std::string finite_at(const Json& place) {
  if (place.at("n") == 0) return "-";
  return concat(place.at("finite").dump(), " of ", place.at("n").dump());
}

// The rates that its seeds survive: "3e-05 to 0.0003", "< 3e-06", "0.003 or more".
std::string largest_rates(const Json& by_seed) {
  std::vector<double> rates;
  std::size_t lower = 0, higher = 0;
  for (const Json& seed : by_seed) {
    lower += seed.at("censored") == "low" ? 1 : 0;
    higher += seed.at("censored") == "high" ? 1 : 0;
    if (!seed.at("largest_stable_rate").is_null())
      rates.push_back(seed.at("largest_stable_rate").get<double>());
  }
  if (by_seed.empty()) return "-";
  if (rates.empty()) return "below the lowest";
  const auto [low, high] = std::minmax_element(rates.begin(), rates.end());
  std::string text =
      lower > 0 ? concat("below the lowest (", lower, " seeds)") : formatted("%.3g", *low);
  if (lower > 0 || *low != *high) text += concat(" to ", formatted("%.3g", *high));
  return text + (higher == by_seed.size() ? " or more" : "");
}

std::string mean_sensitivity(const Json& by_seed) {
  double sum = 0;
  std::size_t n = 0;
  for (const Json& seed : by_seed)
    if (!seed.at("sensitivity").is_null()) {
      sum += seed.at("sensitivity").get<double>();
      ++n;
    }
  return n == 0 ? "-" : formatted("%.4f", sum / static_cast<double>(n));
}

std::string rate_table(const Json& group) {
  Rows rows = {{concat("Scenario ", readable(group.at("scenario")), ", finite at rate")}};
  for (const Json& rate : group.at("rates"))
    rows.front().push_back(fixed(rate, "%.3g"));
  rows.front().insert(rows.front().end(), {"largest stable", "sensitivity"});
  for (const Json& policy : group.at("policies")) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(concat("  ", readable(policy.at("policy"))));
    for (const Json& place : policy.at("map"))
      row.push_back(finite_at(place));
    row.push_back(largest_rates(policy.at("by_seed")));
    row.push_back(mean_sensitivity(policy.at("by_seed")));
  }
  return aligned(rows) + "\n";
}

}  // namespace

std::string records_text(const Json& analysis) {
  const Json& records = analysis.at("records");
  std::string text = concat(records.at("read").dump(), " records read, ", records.at("used").dump(),
                            " used, ", records.at("unpaired").dump(),
                            " unpaired, excluded: ", counts_text(records.at("excluded")), "\n");
  for (const Json& cell : analysis.at("excluded")) {
    const std::string reason = readable(cell.at("reason"));
    text += concat("  ", readable(cell.at("path")), ": ", readable(cell.at("why")),
                   reason.empty() ? "" : ": ", reason, "\n");
  }
  for (const Json& cell : analysis.at("unpaired")) {
    const bool near = !cell.at("nearest").is_null();
    text += concat("  ", readable(cell.at("path")), ": unpaired: ", readable(cell.at("scenario")),
                   " ", readable(cell.at("policy")), ", seed ", readable(cell.at("seed")),
                   near ? concat(" differs from its fp32_true in ", differing(cell.at("differing")))
                        : " has no fp32_true with that seed",
                   "\n");
  }
  return text + "\n";
}

std::string disturbed_text(const Json& setting) {
  std::vector<std::string> policies;
  for (const Json& trials : setting.at("policies"))
    if (trials.at("disturbed_pairs") > 0)
      policies.push_back(concat(readable(trials.at("policy")), " ",
                                readable(trials.at("disturbed_pairs")), " of ",
                                trials.at("seeds").size()));
  if (policies.empty()) return "";
  return concat("  pairs with disturbed timings: ", join(policies, ", "), "\n\n");
}

std::string comparisons_text(const Json& analysis) {
  std::string text;
  for (const Json& setting : analysis.at("settings")) {
    text += setting_title(setting) + stability_table(setting);
    if (setting.at("policies").empty()) continue;
    text += metric_table(setting, "Difference from fp32_true",
                         {{"val_loss", "validation loss"},
                          {"average_precision_micro", "average precision"},
                          {"f1_micro", "F1 micro"},
                          {"f1_macro", "F1 macro"},
                          {"accuracy", "accuracy"}},
                         difference);
    text += metric_table(setting, "Ratio to fp32_true",
                         {{"samples_per_s", "samples/s"},
                          {"mfu_vs_spec", "MFU (data sheet)"},
                          {"mfu_vs_measured", "MFU (measured)"},
                          {"peak_allocated_bytes", "peak memory"}},
                         ratio);
    text += disturbed_text(setting) + divergence_table(setting) + target_table(setting);
  }
  if (!text.empty())
    text +=
        "Brackets: 95 % intervals over seeds; of survivors exact, else Student's t up to 20 "
        "seeds, BCa bootstrap\nabove. Finite: to the last step; trained: that, and better than a "
        "constant answer.\n\n";
  return text;
}

std::string rates_text(const Json& analysis) {
  std::string text;
  for (const Json& group : analysis.at("rates"))
    text += rate_table(group);
  if (!text.empty())
    text +=
        "Stable: finite to the last step at a rate and at every lower one. Sensitivity: mean over "
        "the "
        "rates of the\nfinal validation loss, at most the initial one, minus the lowest.\n\n";
  return text;
}

std::string verdicts_text(const Json& analysis) {
  std::string text;
  for (const Json& verdict : analysis.at("verdicts")) {
    text += verdict_text(verdict);
    for (const Json& other : verdict.at("separately"))
      text += concat("\n", verdict_text(other));
    text += '\n';
  }
  return text;
}

}  // namespace dtbench
