// Several sources one after another, with the splits and the limits that belong to the whole.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "data/document_source.h"

namespace dtbench {

// A part of a data set, a file most often.
struct SourcePart {
  std::optional<SourceSplit> split;  // that its name tells; none: its documents tell, if any does
  std::function<std::unique_ptr<DocumentSource>()> open;
};

// The first documents of each split that has parts of its own, and of the parts that have none: at
// most `examples` of them, and only so many that their texts have at most `bytes`. 0: no limit.
struct SourceLimits {
  std::int64_t examples = 0;
  std::int64_t bytes = 0;
};

// Every document gets a split: its own, else its part's; of those that have neither, every 20th
// (index % 20 = 19) is validation and the others train. Parts are opened when their turn comes, and
// none that the limits leave out.
class JoinedSource : public DocumentSource {
 public:
  JoinedSource(std::vector<SourcePart> parts, SourceLimits limits);
  bool next(SourceDocument& document) override;
  double progress() const override;
  std::vector<std::string> label_list() override;  // the first part's
  SourceCounts counts() const override;
  std::string place() const override { return current_ ? current_->place() : ""; }

 private:
  struct Taken {
    std::int64_t examples = 0, bytes = 0;
    bool complete = false;
  };

  bool open_part();
  void close_part();
  static std::size_t slot_of(const SourcePart& part);
  Taken& taken();
  bool take(const SourceDocument& document);
  double share_of_limits() const;

  std::vector<SourcePart> parts_;
  SourceLimits limits_;
  std::size_t part_ = 0;
  std::unique_ptr<DocumentSource> current_;
  SourceCounts finished_counts_;
  std::array<Taken, 4> taken_;   // by split, and last where the name tells none
  std::set<std::size_t> slots_;  // those of them that have parts
  std::int64_t undecided_ = 0;
};

}  // namespace dtbench
