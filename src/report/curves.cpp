#include "report/curves.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "base/text.h"

namespace dtbench {
namespace {

using Curves = std::vector<const std::vector<double>*>;

Json short_number(double value) {
  if (!std::isfinite(value)) return json_number(value);
  return std::strtod(formatted("%.5g", value).c_str(), nullptr);
}

struct Stretch {
  std::size_t begin, end;
};

std::vector<Stretch> stretches(std::size_t size) {
  std::vector<Stretch> all;
  if (size <= 2 * kStretches)
    for (std::size_t i = 0; i < size; ++i)
      all.push_back({i, i + 1});
  else
    for (std::size_t i = 0; i < kStretches; ++i)
      all.push_back({i * size / kStretches, (i + 1) * size / kStretches});
  return all;
}

bool none_is_a_number(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
}

std::size_t longest(const Curves& curves) {
  std::size_t size = 0;
  for (const auto* curve : curves)
    size = std::max(size, curve->size());
  return size;
}

}  // namespace

std::vector<std::size_t> thinned(const std::vector<double>& values) {
  std::set<std::size_t> kept;
  if (values.empty()) return {};
  kept.insert({0, values.size() - 1});
  for (const Stretch& stretch : stretches(values.size())) {
    std::size_t low = stretch.begin, high = stretch.begin;
    for (std::size_t i = stretch.begin; i < stretch.end; ++i) {
      if (!std::isfinite(values[low]) || values[i] < values[low]) low = i;
      if (!std::isfinite(values[high]) || values[i] > values[high]) high = i;
      if (i > 0 && std::isfinite(values[i]) != std::isfinite(values[i - 1]))
        kept.insert({i - 1, i});
    }
    kept.insert({low, high});
  }
  return {kept.begin(), kept.end()};
}

Json curve_json(const std::vector<double>& values) {
  if (none_is_a_number(values)) return nullptr;
  Json json = {{"step", Json::array()}, {"value", Json::array()}};
  for (const std::size_t step : thinned(values)) {
    json["step"].push_back(step);
    json["value"].push_back(short_number(values[step]));
  }
  return json;
}

Json changes_json(const std::vector<double>& values) {
  if (none_is_a_number(values)) return nullptr;
  Json json = {{"step", Json::array()}, {"value", Json::array()}};
  for (std::size_t step = 0; step < values.size(); ++step)
    if (step == 0 || step + 1 == values.size() || values[step] != values[step - 1]) {
      json["step"].push_back(step);
      json["value"].push_back(short_number(values[step]));
    }
  return json;
}

Json validation_json(const ValidationCurve& curve) {
  if (curve.points.empty()) return nullptr;
  Json json = {{"step", Json::array()}, {"seconds", Json::array()}, {"loss", Json::array()}};
  for (const ValidationPoint& point : curve.points) {
    json["step"].push_back(point.step);
    json["seconds"].push_back(short_number(point.seconds));
    json["loss"].push_back(short_number(point.loss));
  }
  return json;
}

std::vector<double> mean_curve(const Curves& curves) {
  std::vector<double> mean(longest(curves));
  for (std::size_t step = 0; step < mean.size(); ++step) {
    double sum = 0;
    int n = 0;
    for (const auto* curve : curves)
      if (step < curve->size() && std::isfinite((*curve)[step])) {
        sum += (*curve)[step];
        ++n;
      }
    mean[step] = n > 0 ? sum / n : std::numeric_limits<double>::quiet_NaN();
  }
  return mean;
}

std::vector<double> difference_curve(const std::vector<double>& here,
                                     const std::vector<double>& there) {
  std::vector<double> difference(std::min(here.size(), there.size()));
  for (std::size_t step = 0; step < difference.size(); ++step) {
    const bool finite = std::isfinite(here[step]) && std::isfinite(there[step]);
    difference[step] = finite ? here[step] - there[step] : std::numeric_limits<double>::quiet_NaN();
  }
  return difference;
}

Json envelope_json(const Curves& curves) {
  if (curves.empty()) return nullptr;
  Json json = {{"n", curves.size()},
               {"step", Json::array()},
               {"low", Json::array()},
               {"high", Json::array()}};
  double largest = 0;
  for (const Stretch& stretch : stretches(longest(curves))) {
    for (const auto* curve : curves)
      for (std::size_t i = stretch.begin; i < std::min(stretch.end, curve->size()); ++i)
        if (std::isfinite((*curve)[i])) largest = std::max(largest, std::fabs((*curve)[i]));
    json["step"].push_back(stretch.end - 1);
    json["low"].push_back(short_number(-largest));
    json["high"].push_back(short_number(largest));
  }
  return json;
}

Json band_json(const Curves& curves) {
  if (curves.size() < 2) return nullptr;
  Json json = {{"n", curves.size()},
               {"step", Json::array()},
               {"low", Json::array()},
               {"high", Json::array()}};
  for (const Stretch& stretch : stretches(longest(curves))) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const auto* curve : curves)
      for (std::size_t i = stretch.begin; i < std::min(stretch.end, curve->size()); ++i)
        if (std::isfinite((*curve)[i])) {
          low = std::min(low, (*curve)[i]);
          high = std::max(high, (*curve)[i]);
        }
    if (low > high) continue;
    json["step"].push_back(stretch.begin);
    json["low"].push_back(short_number(low));
    json["high"].push_back(short_number(high));
  }
  return json;
}

}  // namespace dtbench
