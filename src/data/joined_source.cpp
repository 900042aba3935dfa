#include "data/joined_source.h"

#include <utility>

namespace dtbench {
namespace {

constexpr std::int64_t kValidationEvery = 20;

}  // namespace

JoinedSource::JoinedSource(std::vector<SourcePart> parts, SourceLimits limits)
    : parts_(std::move(parts)), limits_(limits) {}

bool JoinedSource::open_part() {
  while (!current_ && part_ < parts_.size()) {
    if (taken().complete)
      ++part_;
    else
      current_ = parts_[part_].open();
  }
  return current_ != nullptr;
}

void JoinedSource::close_part() {
  finished_counts_ += current_->counts();
  current_.reset();
  ++part_;
}

JoinedSource::Taken& JoinedSource::taken() {
  const std::optional<SourceSplit> split = parts_[part_].split;
  return split ? taken_.at(static_cast<std::size_t>(*split)) : taken_.back();
}

// Counts a document, unless it is beyond the limits.
bool JoinedSource::take(const SourceDocument& document) {
  Taken& so_far = taken();
  const auto bytes = static_cast<std::int64_t>(document.text.size());
  if (limits_.bytes > 0 && so_far.bytes + bytes > limits_.bytes) {
    so_far.complete = true;
    return false;
  }
  so_far.bytes += bytes;
  so_far.complete = ++so_far.examples == limits_.examples;
  return true;
}

bool JoinedSource::next(SourceDocument& document) {
  while (open_part()) {
    if (taken().complete || !current_->next(document) || !take(document)) {
      close_part();
      continue;
    }
    if (!document.split) document.split = parts_[part_].split;
    if (!document.split)
      document.split = undecided_++ % kValidationEvery == kValidationEvery - 1
                           ? SourceSplit::kValidation
                           : SourceSplit::kTrain;
    return true;
  }
  return false;
}

double JoinedSource::progress() const {
  if (parts_.empty()) return 1;
  const double within = current_ ? current_->progress() : 0;
  return (static_cast<double>(part_) + within) / static_cast<double>(parts_.size());
}

std::vector<std::string> JoinedSource::label_list() {
  return open_part() ? current_->label_list() : std::vector<std::string>();
}

SourceCounts JoinedSource::counts() const {
  SourceCounts all = finished_counts_;
  if (current_) all += current_->counts();
  return all;
}

}  // namespace dtbench
