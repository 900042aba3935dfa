#include "report/health_data.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "base/text.h"
#include "base/whole_number.h"

namespace dtbench {
namespace {

constexpr std::size_t kMostSamples = 64;
constexpr const char* kMeasures[] = {"zeros", "subnormals", "saturated", "largest", "smallest"};
// More than any record of the engine has: a record may be somebody else's.
constexpr std::size_t kMostLayers = 1024, kMostClasses = 16;
constexpr std::int64_t kLargestExponent = 1100;  // of an fp64 number, either way

struct NotAsWritten : std::runtime_error {
  using runtime_error::runtime_error;
};

void require(bool as_written) {
  if (!as_written) throw NotAsWritten("health.jsonl");
}

std::vector<const Json*> samples_of(const std::vector<Json>& lines) {
  std::vector<const Json*> all, kept;
  for (const Json& line : lines)
    if (line.is_object() && line.contains("classes")) all.push_back(&line);
  if (all.size() <= kMostSamples) return all;
  for (std::size_t i = 0; i < kMostSamples; ++i)
    kept.push_back(all[i * (all.size() - 1) / (kMostSamples - 1)]);
  return kept;
}

std::int64_t layer_of(const Json& entry) {
  return entry.at("layer").is_null() ? -1 : whole_number(entry.at("layer"));
}

// As its name says: "fp16".
int bits_of(const std::string& datatype) {
  return datatype.ends_with("16") ? 16 : datatype.ends_with("32") ? 32 : 64;
}

Json short_number(const Json& value) {
  if (!value.is_number()) return value;
  return std::strtod(formatted("%.4g", value.get<double>()).c_str(), nullptr);
}

Json nulls(std::size_t count) {
  return Json(count, Json());
}

// Adds counts by exponent to those that are there, if any.
void add_exponents(Json& sum, const Json& more) {
  std::map<std::int64_t, std::uint64_t> counts;
  for (const Json* each : {static_cast<const Json*>(&sum), &more}) {
    if (each->is_null()) continue;
    std::int64_t exponent = whole_number(each->at("first"));
    require(exponent >= -kLargestExponent && exponent <= kLargestExponent);
    for (const Json& count : each->at("counts"))
      counts[exponent++] += count_of(count);
  }
  require(!counts.empty() && counts.rbegin()->first <= kLargestExponent);
  const std::int64_t first = counts.begin()->first, last = counts.rbegin()->first;
  sum = {{"first", first}, {"counts", Json::array()}};
  for (std::int64_t exponent = first; exponent <= last; ++exponent)
    sum["counts"].push_back(counts[exponent]);
}

class HealthTables {
 public:
  explicit HealthTables(const std::vector<const Json*>& samples) : samples_(samples.size()) {
    std::set<std::int64_t> numbers;
    for (const Json* sample : samples)
      for (const Json& entry : sample->at("classes")) {
        numbers.insert(layer_of(entry));
        keep_narrower(entry);
      }
    require(numbers.size() <= kMostLayers);
    for (const std::int64_t layer : numbers) {
      place_[layer] = layers_.size();
      layers_.push_back(index_or_null(layer));
    }
    for (std::size_t i = 0; i < samples.size(); ++i)
      add(*samples[i], i);
  }

  Json json() const {
    return {
        {"steps", steps_}, {"layers", layers_}, {"classes", classes_}, {"exponents", exponents_}};
  }

 private:
  void keep_narrower(const Json& entry) {
    Json& kept = classes_[entry.at("class").get<std::string>()]["datatype"];
    require(classes_.size() <= kMostClasses);
    const std::string datatype = entry.at("datatype");
    if (kept.is_null() || bits_of(datatype) < bits_of(kept.get<std::string>())) kept = datatype;
  }

  void add(const Json& sample, std::size_t number) {
    steps_.push_back(whole_number(sample.at("step")));
    for (const Json& entry : sample.at("classes")) {
      const std::string name = entry.at("class");
      if (entry.at("datatype") != classes_.at(name).at("datatype")) continue;
      for (const char* measure : kMeasures)
        value(name, measure, layer_of(entry), number) = short_number(entry.at(measure));
      if (!entry.contains("exponents")) continue;
      if (!exponents_.contains(name)) exponents_[name] = nulls(samples_);
      add_exponents(exponents_[name][number], entry.at("exponents"));
    }
    if (!classes_.contains("updates")) return;
    for (const Json& update : sample.at("updates")) {
      Json& largest = value("updates", "to_weight", layer_of(update), number);
      const Json ratio = short_number(update.at("to_weight"));
      if (largest.is_null() || (ratio.is_number() && largest < ratio)) largest = ratio;
    }
  }

  Json& value(const std::string& name, const char* measure, std::int64_t layer,
              std::size_t sample) {
    Json& table = classes_[name][measure];
    if (table.is_null()) table = Json(layers_.size(), nulls(samples_));
    const auto place = place_.find(layer);
    require(place != place_.end());
    return table[place->second][sample];
  }

  std::size_t samples_;
  std::map<std::int64_t, std::size_t> place_;  // of a layer
  Json steps_ = Json::array(), layers_ = Json::array();
  Json classes_ = Json::object(), exponents_ = Json::object();
};

}  // namespace

Json health_data(const std::vector<Json>& lines) {
  const std::vector<const Json*> samples = samples_of(lines);
  try {
    return samples.empty() ? Json() : HealthTables(samples).json();
  } catch (const Json::exception&) {
    return nullptr;
  } catch (const NotAsWritten&) {
    return nullptr;
  }
}

}  // namespace dtbench
