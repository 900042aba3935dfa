#include "report/health_data.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::size_t kMostLooks = 64;
constexpr const char* kMeasures[] = {"zeros", "subnormals", "saturated", "largest"};

std::vector<const Json*> looks_of(const std::vector<Json>& lines) {
  std::vector<const Json*> all, kept;
  for (const Json& line : lines)
    if (line.is_object() && line.contains("classes")) all.push_back(&line);
  if (all.size() <= kMostLooks) return all;
  for (std::size_t i = 0; i < kMostLooks; ++i)
    kept.push_back(all[i * (all.size() - 1) / (kMostLooks - 1)]);
  return kept;
}

std::int64_t layer_of(const Json& entry) {
  return entry.at("layer").is_null() ? -1 : entry.at("layer").get<std::int64_t>();
}

Json nulls(std::size_t count) {
  return Json(count, Json());
}

// A grid of nulls: of layers, each of looks.
Json grid(std::size_t layers, std::size_t looks) {
  return Json(layers, nulls(looks));
}

Json of_looks(const std::vector<const Json*>& looks) {
  std::set<std::int64_t> numbers;
  for (const Json* look : looks)
    for (const Json& entry : look->at("classes"))
      numbers.insert(layer_of(entry));
  std::map<std::int64_t, std::size_t> place;  // of a layer
  Json layers = Json::array(), steps = Json::array();
  for (const std::int64_t layer : numbers) {
    place[layer] = layers.size();
    layers.push_back(layer < 0 ? Json() : Json(layer));
  }
  Json classes = Json::object(), exponents = Json::object();
  for (std::size_t look = 0; look < looks.size(); ++look) {
    steps.push_back(looks[look]->at("step"));
    for (const Json& entry : looks[look]->at("classes")) {
      const std::string name = entry.at("class");
      if (!classes.contains(name)) {
        classes[name]["datatype"] = entry.at("datatype");
        for (const char* measure : kMeasures)
          classes[name][measure] = grid(layers.size(), looks.size());
      }
      const std::size_t layer = place.at(layer_of(entry));
      for (const char* measure : kMeasures)
        classes[name][measure][layer][look] = entry.at(measure);
      if (!entry.contains("exponents")) continue;
      if (!exponents.contains(name)) exponents[name] = nulls(layers.size());
      exponents[name][layer] = entry.at("exponents");
    }
  }
  return {{"steps", steps}, {"layers", layers}, {"classes", classes}, {"exponents", exponents}};
}

}  // namespace

Json health_data(const std::vector<Json>& lines) {
  const std::vector<const Json*> looks = looks_of(lines);
  try {
    return looks.empty() ? Json() : of_looks(looks);
  } catch (const Json::exception&) {
    return nullptr;  // not as the engine writes them
  }
}

}  // namespace dtbench
