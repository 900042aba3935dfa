// Whether a data set's labels are vectors with a 0 or 1 for each class rather than ids.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/document_source.h"

namespace dtbench {

class LabelVectors {
 public:
  // A document with labels. Nulls count as values.
  void look_at(const std::vector<std::string>& values, std::size_t nulls);

  // At least half of the documents so far, and at least `evidence` documents, are vectors of one
  // width: two or more values, each 0, 1 or a mark of an unknown one (-1, -100, null). And they are
  // no ids, which no document has twice, or in changing orders.
  bool found(std::int64_t evidence) const;

  // The most frequent width, and how many documents have it.
  std::size_t width() const;
  std::int64_t count() const;
  std::int64_t documents() const { return documents_; }

 private:
  struct OfWidth {
    std::int64_t count = 0;
    std::vector<std::string> first;
    bool repeats = false, reordered = false;
  };
  const std::pair<const std::size_t, OfWidth>* most() const;

  std::int64_t documents_ = 0;
  std::map<std::size_t, OfWidth> widths_;
};

// A value of a vector as "0" or "1", whichever way it is written ("1.0", "1.", "True"); else as it
// is.
std::string flag_of(const std::string& value);

// Whether it is "0" or "1".
bool is_flag(const std::string& value);

}  // namespace dtbench
