#include "report/explanation_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "analysis/json_access.h"
#include "base/table.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::string at(const Json& json, const char* pointer) {
  return readable(member_or_null(json, pointer));
}

double number_at(const Json& json, const char* pointer) {
  return number_or_none(member_or_null(json, pointer)).value_or(std::nan(""));
}

std::string paragraph(const std::string& title, const std::string& text) {
  return "\n" + title + "\n" + wrapped(text, kProse);
}

// "transformer.h.1.mlp.c_proj (layer 1)".
std::string place(const Json& node) {
  const std::string module = at(node, "/module");
  return concat(at(node, "/operation"), module.empty() ? "" : " of " + module);
}

std::string replay_text(const Json& explanation) {
  const std::string steps = at(explanation, "/replay/steps");
  const std::string equal = at(explanation, "/replay/steps_equal");
  const Json differs = member_or_null(explanation, "/replay/differs");
  std::string text =
      concat("The replay agrees with the record in ", equal, " of ", steps, " steps, bit for bit");
  text += differs == "" ? std::string(".")
                        : concat("; ", text_or(differs, ""),
                                 ". Another machine or revision made it: what follows is about the "
                                 "replay.");
  return text + (member_or_null(explanation, "/replay/step_repeats") == true
                     ? concat(" Its last step, computed twice, gives the same bits",
                              differs == "" ? ": arithmetic, not the machine." : ".")
                     : std::string(" Its last step, computed twice, gives different bits: either "
                                   "the machine is faulty, or an operation is not "
                                   "deterministic."));
}

std::string origin_text(const Json& explanation) {
  const Json& origin = explanation.at("origin");
  if (origin.is_null())
    return concat("The passes are finite; the update made ",
                  at(explanation, "/first_nonfinite/tensor"), " ",
                  at(explanation, "/first_nonfinite/kind"), ".");
  std::string text = concat(at(origin, "/phase"), " pass, ", place(origin), ", element ",
                            at(origin, "/element"), " of ", origin.at("shape").dump(), ": ",
                            at(origin, "/value"), " in ", at(origin, "/datatype"),
                            ", whose largest number is ", at(origin, "/datatype_largest"), ".");
  const bool attention = origin.at("operation") == "attention";
  if (!origin.at("exact").is_null())
    text +=
        concat(attention ? " The largest score is " : " In fp64 it is ", at(origin, "/exact"), ".");
  for (const Json& operand : origin.at("operands"))
    text += concat(" ", at(operand, "/role"), " (", at(operand, "/datatype"), ") reaches ",
                   at(operand, "/largest"), ".");
  return text;
}

// From the origin on: the modules, one mention each.
std::string chain_text(const Json& explanation) {
  constexpr std::size_t kShown = 5;
  std::vector<std::string> places;
  for (const Json& node : explanation.at("chain")) {
    const std::string where = place(node);
    if (places.empty() || places.back() != where) places.push_back(where);
  }
  if (places.size() < 2) return "";
  std::vector<std::string> shown(
      places.begin(), places.begin() + static_cast<long>(std::min(kShown, places.size())));
  if (places.size() > kShown) {
    shown.emplace_back("...");
    shown.push_back(places.back());
  }
  return " From there: " + join(shown, " > ") + ".";
}

// One character a value, by its logarithm between the smallest and the largest.
std::string sparkline(const std::vector<double>& values) {
  constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::size_t kWidth = 60;
  double low = INFINITY, high = 0;
  for (const double value : values) {
    if (value > 0 && std::isfinite(value)) low = std::min(low, value);
    if (std::isfinite(value)) high = std::max(high, value);
  }
  std::string text;
  const std::size_t first = values.size() > kWidth ? values.size() - kWidth : 0;
  for (std::size_t i = first; i < values.size(); ++i) {
    const double value = values[i];
    if (std::isnan(value)) {
      text += "·";
    } else if (!std::isfinite(value)) {
      text += "×";
    } else if (value <= low || high <= low) {
      text += kBars[0];
    } else {
      const double share = std::log(value / low) / std::log(high / low);
      text += kBars[std::min<std::size_t>(7, static_cast<std::size_t>(8 * share))];
    }
  }
  return text;
}

std::string signal_line(const Json& explanation, const char* title, const char* pointer) {
  std::vector<double> values;
  for (const Json& step : explanation.at("signals"))
    values.push_back(number_at(step, pointer));
  if (std::ranges::all_of(values, [](double value) { return !(value > 0); })) return "";
  const auto largest = std::ranges::max_element(values, [](double a, double b) {
    return (std::isnan(a) ? -1 : a) < (std::isnan(b) ? -1 : b);
  });
  return concat("  ", title, "  ", sparkline(values), "  up to ", formatted("%.3g", *largest),
                "\n");
}

std::string signals_text(const Json& explanation) {
  return "\nStep by step (logarithmic)\n" +
         signal_line(explanation, "longest step, in learning rates   ", "/longest_step/rates") +
         signal_line(explanation, "second moments flushed to 0, share", "/flushed_share") +
         signal_line(explanation, "activations, share of the range   ",
                     "/activations/share_of_range") +
         signal_line(explanation, "gradients, share of the range     ",
                     "/gradients/share_of_range") +
         signal_line(explanation, "loss                              ", "/loss");
}

std::string ending(const Json& trial) {
  if (trial.at("survived") == true) return "survives";
  if (trial.at("nonfinite") == true)
    return "dies at step " + std::to_string(trial.at("steps").get<std::int64_t>() - 1);
  return trial.at("skipped") == true ? "skips its last step" : "loss above 2 x its first";
}

std::string trials_text(const Json& explanation) {
  Rows rows = {{"  change", "role", "end", "loss", "longest step"}};
  for (const Json& trial : explanation.at("trials"))
    rows.push_back({"  " + at(trial, "/change"), at(trial, "/role"), ending(trial),
                    formatted("%.4g", number_at(trial, "/loss")),
                    formatted("%.3g", number_at(trial, "/longest_step"))});
  return concat("\nOne change each, ", at(explanation, "/window"), " steps from the start\n",
                aligned(rows));
}

std::string proof_text(const Json& explanation) {
  const Json& proof = explanation.at("proof");
  if (proof.at("change") == "") return concat("Not proved: ", join(proof.at("against"), "; "), ".");
  std::string change;
  for (const Json& trial : explanation.at("trials"))
    if (trial.at("id") == proof.at("change")) change = at(trial, "/change");
  const std::string replays = at(proof, "/replays");
  std::string text =
      concat("With initial weights moved by one ulp, the cell dies in ",
             at(proof, "/unchanged_died"), " of ", replays, " replays; with ", change,
             " it survives in ", at(proof, "/change_survived"), " of ", replays, ". ");
  if (explanation.at("verdict") == "proved")
    return text + "No control survives, so the cause is proved for this window.";
  return text + "Consistent with the cause, not proved: " + join(proof.at("against"), "; ") + ".";
}

std::string cause_text(const Json& explanation) {
  const Json& diagnoses = explanation.at("diagnoses");
  std::string text = at(diagnoses.at(0), "/text");
  for (std::size_t i = 1; i < diagnoses.size(); ++i)
    text += concat(" What happened at step ", at(diagnoses[i], "/since_step"), " (",
                   at(diagnoses[i], "/cause"), ") came after it.");
  return text;
}

}  // namespace

std::string explanation_text(const Json& explanation) {
  std::string text = concat("Cell ", at(explanation, "/cell_id"), ": scenario ",
                            at(explanation, "/scenario"), ", ", at(explanation, "/policy"));
  if (explanation.at("first_nonfinite").is_null())
    return concat(text, "\n", paragraph("Replay", replay_text(explanation)),
                  paragraph("Where", "The replay stayed finite: nothing to explain here."));
  text += concat(", not finite at step ", at(explanation, "/first_nonfinite/step"), "\n",
                 "Cause: ", at(explanation, "/cause"), " (", at(explanation, "/verdict"), ")\n");
  text += paragraph("Machine or arithmetic?", replay_text(explanation));
  if (explanation.at("verdict") == "unrepeatable") return text;
  text += paragraph("Where?", origin_text(explanation) + chain_text(explanation));
  text += paragraph(concat("By which mechanism? ", at(explanation, "/cause"), ", since step ",
                           at(explanation.at("diagnoses").at(0), "/since_step")),
                    cause_text(explanation));
  text += signals_text(explanation);
  if (explanation.at("trials").empty()) return text;
  return text + trials_text(explanation) + paragraph("Proved by what?", proof_text(explanation));
}

}  // namespace dtbench
