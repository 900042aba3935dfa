#include "data/label_vectors.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace dtbench {
namespace {

// What trainers put where a class is unknown.
bool is_mark(const std::string& value) {
  return value == "-1" || value == "-100";
}

bool is_vector(const std::vector<std::string>& values, std::size_t nulls) {
  return values.size() + nulls > 1 && std::any_of(values.begin(), values.end(), is_flag) &&
         std::all_of(values.begin(), values.end(),
                     [](const std::string& value) { return is_flag(value) || is_mark(value); });
}

}  // namespace

bool is_flag(const std::string& value) {
  return value == "0" || value == "1";
}

void LabelVectors::look_at(const std::vector<std::string>& values, std::size_t nulls) {
  ++documents_;
  if (!is_vector(values, nulls)) return;
  OfWidth& width = widths_[values.size() + nulls];
  if (width.count++ == 0) width.first = values;
  const std::set<std::string> distinct(values.begin(), values.end());
  width.repeats = width.repeats || distinct.size() < values.size();
  width.reordered =
      width.reordered ||
      (values != width.first &&
       std::is_permutation(values.begin(), values.end(), width.first.begin(), width.first.end()));
}

const std::pair<const std::size_t, LabelVectors::OfWidth>* LabelVectors::most() const {
  const auto most = std::max_element(
      widths_.begin(), widths_.end(),
      [](const auto& a, const auto& b) { return a.second.count < b.second.count; });
  return most == widths_.end() ? nullptr : &*most;
}

bool LabelVectors::found(std::int64_t evidence) const {
  const auto* width = most();
  return width != nullptr && documents_ >= evidence && 2 * width->second.count >= documents_ &&
         (width->second.repeats || width->second.reordered);
}

std::size_t LabelVectors::width() const {
  return most() == nullptr ? 0 : most()->first;
}

std::int64_t LabelVectors::count() const {
  return most() == nullptr ? 0 : most()->second.count;
}

std::string flag_of(const std::string& value) {
  constexpr std::array kOnes = {"1.0", "1.", "True", "true"};
  constexpr std::array kZeros = {"0.0", "0.", "-0.0", "False", "false"};
  if (std::find(kOnes.begin(), kOnes.end(), value) != kOnes.end()) return "1";
  if (std::find(kZeros.begin(), kZeros.end(), value) != kZeros.end()) return "0";
  return value;
}

}  // namespace dtbench
