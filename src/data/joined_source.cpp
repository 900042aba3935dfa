#include "data/joined_source.h"

#include <algorithm>
#include <utility>

namespace dtbench {
namespace {

constexpr std::int64_t kValidationEvery = 20;

}  // namespace

JoinedSource::JoinedSource(std::vector<SourcePart> parts, SourceLimits limits)
    : parts_(std::move(parts)), limits_(limits) {
  for (const SourcePart& part : parts_)
    slots_.insert(slot_of(part));
}

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

std::size_t JoinedSource::slot_of(const SourcePart& part) {
  return part.split ? static_cast<std::size_t>(*part.split) : 3;
}

JoinedSource::Taken& JoinedSource::taken() {
  return taken_.at(slot_of(parts_[part_]));
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

// Of what the limits allow; a source that ends before them is told by its parts.
double JoinedSource::share_of_limits() const {
  double sum = 0;
  for (const std::size_t slot : slots_) {
    const Taken& so_far = taken_.at(slot);
    const auto share = [](std::int64_t taken, std::int64_t limit) {
      return limit == 0 ? 0 : static_cast<double>(taken) / static_cast<double>(limit);
    };
    sum += so_far.complete ? 1
                           : std::max(share(so_far.examples, limits_.examples),
                                      share(so_far.bytes, limits_.bytes));
  }
  return sum / static_cast<double>(slots_.size());
}

double JoinedSource::progress() const {
  if (parts_.empty()) return 1;
  const double within = current_ ? current_->progress() : 0;
  const double of_parts =
      (static_cast<double>(part_) + within) / static_cast<double>(parts_.size());
  return std::max(of_parts, share_of_limits());
}

std::vector<std::string> JoinedSource::label_list() {
  return open_part() ? current_->label_list() : std::vector<std::string>();
}

SourceCounts JoinedSource::counts() const {
  SourceCounts all = finished_counts_;
  if (current_) all += current_->counts();
  all.undecided = undecided_;
  return all;
}

}  // namespace dtbench
