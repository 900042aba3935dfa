#include "report/explanation_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "analysis/json_access.h"
#include "base/table.h"
#include "base/text.h"
#include "report/explanation_words.h"

namespace dtbench {
namespace {

double number_at(const Json& json, const char* pointer) {
  return number_or_none(member_or_null(json, pointer)).value_or(std::nan(""));
}

// From the origin on: the modules, one mention each.
std::string chain_text(const Json& explanation) {
  constexpr std::size_t kShown = 5;
  const std::vector<std::string> places = chain_places(explanation);
  if (places.size() < 2) return "";
  std::vector<std::string> shown(
      places.begin(), places.begin() + static_cast<long>(std::min(kShown, places.size())));
  if (places.size() > kShown) {
    shown.emplace_back("...");
    shown.push_back(places.back());
  }
  return " From there: " + join(shown, " > ") + ".";
}

std::string paragraph(const std::string& title, const std::string& text) {
  return "\n" + title + "\n" + wrapped(text, kProse);
}

// One character a value, by its logarithm between the smallest and the largest.
std::string sparkline(const std::vector<double>& values) {
  constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::size_t kColumns = 60;
  double low = INFINITY, high = 0;
  for (const double value : values) {
    if (value > 0 && std::isfinite(value)) low = std::min(low, value);
    if (std::isfinite(value)) high = std::max(high, value);
  }
  std::string text;
  const std::size_t first = values.size() > kColumns ? values.size() - kColumns : 0;
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

std::string trials_text(const Json& explanation) {
  Rows rows = {{"  change", "role", "end", "loss", "longest step"}};
  for (const Json& trial : explanation.at("trials"))
    rows.push_back({"  " + readable_at(trial, "/change"), readable_at(trial, "/role"),
                    trial_end(trial), formatted("%.4g", number_at(trial, "/loss")),
                    formatted("%.3g", number_at(trial, "/longest_step"))});
  return concat("\nOne change each, ", readable_at(explanation, "/window"),
                " steps from the start\n", aligned(rows));
}

}  // namespace

std::string explanation_text(const Json& explanation) {
  std::string text =
      concat("Cell ", readable_at(explanation, "/cell_id"), ": scenario ",
             readable_at(explanation, "/scenario"), ", ", readable_at(explanation, "/policy"));
  if (explanation.at("first_nonfinite").is_null())
    return concat(text, "\n", paragraph("Replay", replay_text(explanation)),
                  paragraph("Where", "The replay stayed finite: nothing to explain here."));
  text += concat(", not finite at step ", readable_at(explanation, "/first_nonfinite/step"), "\n",
                 "Cause: ", readable_at(explanation, "/cause"), " (",
                 readable_at(explanation, "/verdict"), ")\n");
  text += paragraph("Machine or arithmetic?", replay_text(explanation));
  if (explanation.at("verdict") == "unrepeatable") return text;
  text += paragraph("Where?", origin_text(explanation) + chain_text(explanation));
  text +=
      paragraph(concat("By which mechanism? ", readable_at(explanation, "/cause"), ", since step ",
                       readable_at(explanation.at("diagnoses").at(0), "/since_step")),
                cause_text(explanation));
  text += signals_text(explanation);
  if (explanation.at("trials").empty()) return text;
  return text + trials_text(explanation) + paragraph("Proved by what?", proof_text(explanation));
}

}  // namespace dtbench
