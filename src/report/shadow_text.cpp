#include "report/shadow_text.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/json_access.h"
#include "base/table.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::int64_t kOutside = -1;

double number_at(const Json& json, const char* pointer) {
  return number_or_none(member_or_null(json, pointer)).value_or(std::nan(""));
}

std::string short_number(double value) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return "inf";
  return value == 0 ? "0" : formatted("%.2g", value);
}

std::string percent(double share) {
  return formatted(share < 0.01 ? "%.2g %%" : "%.0f %%", 100 * share);
}

std::string place_name(const Json& place) {
  const std::string module = place.at("module");
  const bool backward = place.at("phase") == "backward";
  return concat(readable(place.at("operation")), module.empty() ? "" : " of " + module,
                backward ? concat(", backward pass (gradient of its input ",
                                  place.at("result").get<int>() + 1, ")")
                         : std::string());
}

std::string first_text(const Json& shadow) {
  const Json& first = shadow.at("first_above");
  if (first.is_null())
    return "No operation's error is above its bound: rounding explains all of them.";
  std::string text = concat("Step ", readable(first.at("step")), ": ", place_name(first), ". ");
  if (first.at("nonfinite").get<bool>()) return text + "Its result is not finite; the other's is.";
  text += concat("Error ", short_number(number_at(first, "/error")),
                 " on the same operands, bound ", short_number(number_at(first, "/bound")), ".");
  const double flushed = number_at(first, "/flushed");
  if (flushed > 0)
    text += concat(" ", percent(flushed), " of its elements are 0 where the other's are not.");
  return text;
}

// What a layer's operations have at most, over all steps.
struct Most {
  double of_bound = std::nan("");  // error / bound
  double error = std::nan("");
  double apart = std::nan("");
  double flushed = 0;

  void add(const Json& place) {
    const double error_here = number_at(place, "/error"), bound = number_at(place, "/bound");
    error = std::fmax(error, error_here);
    if (error_here > 0) of_bound = std::fmax(of_bound, error_here / bound);
    if (error_here == 0) of_bound = std::fmax(of_bound, 0);
    apart = std::fmax(apart, number_at(place, "/apart"));
    flushed = std::max(flushed, number_at(place, "/flushed"));
  }
};

struct Layer {
  Most forward, backward;
};

std::map<std::int64_t, Layer> layers_of(const Json& shadow) {
  std::map<std::int64_t, Layer> layers;
  for (const Json& step : shadow.at("steps"))
    for (const Json& place : step.at("places")) {
      const Json& layer = place.at("layer");
      Layer& found = layers[layer.is_null() ? kOutside : layer.get<std::int64_t>()];
      (place.at("phase") == "backward" ? found.backward : found.forward).add(place);
    }
  return layers;
}

Json drift_of(const Json& step, std::int64_t layer) {
  const Json& drift = step.at("drift");
  if (layer == kOutside) return drift.at("outside_layers");
  const auto index = static_cast<std::size_t>(layer);
  return index < drift.at("layers").size() ? drift.at("layers").at(index) : Json();
}

std::string layers_text(const Json& shadow) {
  Rows rows = {{"  layer", "forward: error", "of bound", "apart", "backward: error", "of bound",
                "apart", "flushed", "weights' drift"}};
  for (const auto& [layer, most] : layers_of(shadow)) {
    std::vector<std::string> row = {layer == kOutside ? "  outside" : concat("  ", layer)};
    for (const Most* part : {&most.forward, &most.backward})
      row.insert(row.end(), {short_number(part->error), short_number(part->of_bound),
                             short_number(part->apart)});
    row.push_back(percent(std::max(most.forward.flushed, most.backward.flushed)));
    row.push_back(short_number(
        number_or_none(drift_of(shadow.at("steps").back(), layer)).value_or(std::nan(""))));
    rows.push_back(std::move(row));
  }
  return aligned(rows, {.first_right = 1});
}

std::string side_loss(const Json& side) {
  if (!side.at("nonfinite").is_null()) return "not finite";
  const std::string loss = formatted("%.6f", number_at(side, "/loss"));
  return side.at("skipped").get<bool>() ? loss + " (skipped)" : loss;
}

std::string steps_text(const Json& shadow) {
  Rows rows = {{"  step", "loss", "against", "weights' drift after it"}};
  for (const Json& step : shadow.at("steps"))
    rows.push_back({"  " + readable(step.at("step")), side_loss(step.at("run")),
                    side_loss(step.at("against")), short_number(number_at(step, "/drift/all"))});
  return aligned(rows, {.first_right = 1});
}

std::string side_name(const Json& side) {
  return concat(readable(side.at("policy")), " (", readable(side.at("device")), ")");
}

}  // namespace

std::string shadow_text(const Json& shadow) {
  return concat(
      "Cell ", readable(shadow.at("run").at("cell_id")), ": scenario ",
      readable(shadow.at("scenario")), ", ", side_name(shadow.at("run")), " against ",
      side_name(shadow.at("against")), ", from the weights before step ",
      readable(shadow.at("from")), "\n\nFirst place above its bound\n",
      wrapped(first_text(shadow), kProse), "\nBy layer, the largest of all operations and steps\n",
      layers_text(shadow),
      wrapped("  error: of one operation, given the same operands; of bound: the largest share of "
              "what rounding can explain; apart: when each goes on with its own; drift: of the "
              "weights after the last step.",
              kProse),
      "\nStep by step\n", steps_text(shadow));
}

}  // namespace dtbench
