// Label indices: the ids of a data set numbered by descending frequency in the training split, ties
// by id (contract: "Scenarios"). Ids are compared as integers when every id of the data set is one
// in plain decimal form, else as strings by byte.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace dtbench {

// Gives ids provisional numbers in order of appearance and counts their training documents.
class LabelTally {
 public:
  std::int32_t intern(const std::string& id);
  // The distinct provisional numbers of one document's ids, in order of appearance.
  std::vector<std::int32_t> intern_all(const std::vector<std::string>& ids);
  void count_training(const std::vector<std::int32_t>& labels);

  const std::vector<std::string>& ids() const { return ids_; }
  const std::vector<std::int64_t>& training_counts() const { return training_counts_; }
  std::int64_t repetitions() const { return repetitions_; }  // removed by intern_all

 private:
  std::unordered_map<std::string, std::int32_t> numbers_;
  std::vector<std::string> ids_;
  std::vector<std::int64_t> training_counts_;
  std::int64_t repetitions_ = 0;
};

struct LabelOrder {
  std::vector<std::string> labels;     // by index
  std::vector<std::int32_t> index_of;  // by provisional number
};
LabelOrder number_labels(const std::vector<std::string>& ids,
                         const std::vector<std::int64_t>& training_counts);

}  // namespace dtbench
