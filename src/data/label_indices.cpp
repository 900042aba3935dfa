#include "data/label_indices.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

namespace dtbench {
namespace {

// The value of an integer in plain decimal form ("12", "-3"; not "012", "+1" nor "").
std::optional<std::int64_t> plain_integer(const std::string& id) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
  const bool whole = error == std::errc() && end == id.data() + id.size();
  if (!whole || std::to_string(value) != id) return std::nullopt;
  return value;
}

}  // namespace

std::int32_t LabelTally::intern(const std::string& id) {
  const auto [entry, inserted] = numbers_.emplace(id, static_cast<std::int32_t>(ids_.size()));
  if (inserted) {
    ids_.push_back(id);
    training_counts_.push_back(0);
  }
  return entry->second;
}

std::vector<std::int32_t> LabelTally::intern_all(const std::vector<std::string>& ids) {
  std::vector<std::int32_t> labels;
  for (const std::string& id : ids) {
    const std::int32_t label = intern(id);
    if (std::find(labels.begin(), labels.end(), label) == labels.end())
      labels.push_back(label);
    else
      ++repetitions_;
  }
  return labels;
}

void LabelTally::count_training(const std::vector<std::int32_t>& labels) {
  for (const std::int32_t label : labels)
    ++training_counts_[static_cast<std::size_t>(label)];
}

LabelOrder number_labels(const std::vector<std::string>& ids,
                         const std::vector<std::int64_t>& training_counts) {
  std::vector<std::int64_t> values;
  for (const std::string& id : ids)
    if (const auto value = plain_integer(id)) values.push_back(*value);
  const bool numeric = values.size() == ids.size();

  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (training_counts[a] != training_counts[b]) return training_counts[a] > training_counts[b];
    return numeric ? values[a] < values[b] : ids[a] < ids[b];
  });

  LabelOrder view;
  view.index_of.resize(ids.size());
  for (std::size_t index = 0; index < order.size(); ++index) {
    view.labels.push_back(ids[order[index]]);
    view.index_of[order[index]] = static_cast<std::int32_t>(index);
  }
  return view;
}

}  // namespace dtbench
