#include "cli/analysis_text.h"

#include "base/text.h"
#include "cli/table.h"
#include "report/number_text.h"

namespace dtbench {
namespace {

constexpr std::size_t kWidth = 98;

std::string count_of(std::size_t n, const std::string& noun) {
  return concat(n, ' ', noun, n == 1 ? "" : "s");
}

// "+0.0123 [+0.0100, +0.0146]"; "-" where nothing was measured.
std::string difference(const Json& estimate) {
  if (estimate.at("n") == 0) return "-";
  return fixed(estimate.at("mean"), "%+.4f") + interval(estimate, "%+.4f");
}

std::string distance(const Json& estimate) {
  if (estimate.at("n") == 0) return "-";
  return fixed(estimate.at("mean"), "%.2g") + interval(estimate, "%.2g");
}

std::string ratio(const Json& estimate) {
  if (estimate.at("n") == 0) return "-";
  return fixed(estimate.at("ratio"), "%.3f") + interval(estimate, "%.3f");
}

std::string rough_ratio(const Json& estimate) {
  if (estimate.at("n") == 0) return "-";
  return fixed(estimate.at("ratio"), "%.3g") + interval(estimate, "%.3g");
}

std::string survived(const Json& stability) {
  return concat(stability.at("survived").dump(), " of ", stability.at("n").dump(),
                interval(stability, "%.2f"));
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
  Rows rows = {{"Stability", "survived", "first non-finite", "outcomes"}};
  const auto add = [&](const Json& policy) {
    const Json& stability = policy.at("stability");
    rows.push_back({concat("  ", readable(policy.at("policy"))), survived(stability),
                    nonfinite(stability), outcomes(stability)});
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

std::string side(const Json& evidence, const char* name) {
  std::vector<std::string> scenarios;
  for (const auto& [scenario, counts] : evidence.at(name).at("scenarios").items())
    scenarios.push_back(scenario);
  return join(scenarios, ", ") + " " + survived(evidence.at(name));
}

std::string part(const Json& each) {
  return concat(readable(each.at("policy")), " on ", readable(each.at("scenario")), " ",
                difference(each), each.at("claimed") == "inferior" ? " (claimed inferior)" : "");
}

std::string evidence_text(const Json& verdict) {
  const Json& evidence = verdict.at("evidence");
  if (evidence.empty()) return "";
  if (evidence.contains("parts")) {
    std::string lines = "average precision minus that of fp32_true:";
    std::vector<std::string> parts;
    for (const Json& each : evidence.at("parts"))
      parts.push_back(part(each));
    return lines + " " + join(parts, "; ");
  }
  if (evidence.contains("better"))
    return concat("survived: ", side(evidence, "better"), "; ", side(evidence, "worse"),
                  "; difference ", fixed(evidence.at("difference"), "%+.2f"),
                  interval(evidence, "%+.2f"));
  return concat("ratio of speed-ups: ", ratio(evidence));
}

std::string control_text(const Json& control) {
  std::string text = concat(readable(control.at("control")), " ", readable(control.at("answer")));
  const Json said = member_or_null(control, "/shows/said");
  if (said.is_string()) text += concat(" (it shows: ", readable(said), ")");
  return text;
}

std::string verdict_text(const Json& verdict) {
  std::string text =
      concat(readable(verdict.at("hypothesis")), ", ", readable(verdict.at("title")), ", ",
             readable(verdict.at("policy")), ": ", readable(verdict.at("verdict")), "\n");
  text += indented(readable(verdict.at("claim")), 2);
  text += indented(readable(verdict.at("reason")), 2);
  if (const std::string evidence = evidence_text(verdict); !evidence.empty())
    text += indented(evidence, 2);
  std::vector<std::string> controls;
  for (const Json& control : verdict.at("controls"))
    if (!control.at("evidence").empty()) controls.push_back(control_text(control));
  if (!controls.empty()) text += indented(concat("controls: ", join(controls, "; ")), 2);
  if (const Json& left_out = verdict.at("left_out"); !left_out.empty())
    text += indented(concat("left out: ", counts_text(left_out)), 2);
  for (const Json& caveat : verdict.at("caveats"))
    text += indented(concat("note: ", readable(caveat)), 2);
  return text;
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
                          {"f1_micro", "micro F1"},
                          {"accuracy", "accuracy"}},
                         difference);
    text += metric_table(setting, "Ratio to fp32_true",
                         {{"samples_per_s", "samples/s"},
                          {"mfu_vs_spec", "MFU (data sheet)"},
                          {"mfu_vs_measured", "MFU (measured)"},
                          {"peak_allocated_bytes", "peak memory"}},
                         ratio);
    text += disturbed_text(setting) + divergence_table(setting);
  }
  if (!text.empty())
    text +=
        "Brackets: 95 % intervals over seeds: exact for survivors, otherwise Student's t up to 20 "
        "seeds and\nBCa bootstrap above. Survived: finite to the last step, and trained.\n\n";
  return text;
}

std::string verdicts_text(const Json& analysis) {
  std::string text;
  for (const Json& verdict : analysis.at("verdicts")) {
    text += verdict_text(verdict);
    for (const Json& other : verdict.at("separately"))
      text += concat("\n", verdict_text(other));
    text += "\n";
  }
  return text;
}

}  // namespace dtbench
