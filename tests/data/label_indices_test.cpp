#include "data/label_indices.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

using LabelIds = std::vector<std::string>;

TEST(LabelIndices, NumbersByDescendingTrainingFrequency) {
  const LabelOrder view = number_labels({"rare", "common", "middle"}, {1, 9, 4});
  EXPECT_EQ(view.labels, (LabelIds{"common", "middle", "rare"}));
  EXPECT_EQ(view.index_of, (std::vector<std::int32_t>{2, 0, 1}));
}

TEST(LabelIndices, TiesGoByNumberWhenEveryIdIsAnInteger) {
  EXPECT_EQ(number_labels({"10", "9", "-1", "2"}, {3, 3, 3, 3}).labels,
            (LabelIds{"-1", "2", "9", "10"}));
}

TEST(LabelIndices, TiesGoByByteOtherwise) {
  EXPECT_EQ(number_labels({"10", "9", "2", "x"}, {3, 3, 3, 3}).labels,
            (LabelIds{"10", "2", "9", "x"}));
  // "09" is not a plain integer: ids may differ only by leading zeros.
  EXPECT_EQ(number_labels({"10", "9", "09"}, {0, 0, 0}).labels, (LabelIds{"09", "10", "9"}));
}

TEST(LabelTally, CountsTrainingDocumentsAndRemovedRepetitions) {
  LabelTally tally;
  EXPECT_EQ(tally.intern("z"), 0);
  EXPECT_EQ(tally.intern_all({"a", "z", "a", "a"}), (std::vector<std::int32_t>{1, 0}));
  tally.count_training({1, 0});
  tally.count_training({1});
  EXPECT_EQ(tally.training_counts(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(tally.ids(), (LabelIds{"z", "a"}));
  EXPECT_EQ(tally.repetitions(), 2);
}

}  // namespace
}  // namespace dtbench
