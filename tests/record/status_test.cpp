#include "record/status.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

// docs/record-schema.md's words, and whether results count and whether another run repeats it.
TEST(Status, WordsAndWhatTheyMean) {
  struct Row {
    const char* word;
    bool final, whole;
  };
  for (const Row& row : {Row{"completed", true, true}, Row{"diverged", true, true},
                         Row{"skipped", false, true}, Row{"out_of_memory", false, false},
                         Row{"interrupted", false, false}, Row{"failed", false, false}}) {
    const auto status = enum_from<Status>(row.word);
    ASSERT_TRUE(status) << row.word;
    EXPECT_STREQ(to_string(*status), row.word);
    EXPECT_EQ(is_final(*status), row.final) << row.word;
    EXPECT_EQ(is_whole(*status), row.whole) << row.word;
  }
  EXPECT_FALSE(enum_from<Status>("finished"));
}

TEST(Status, AResultIsReadIntoTypes) {
  const auto result = read_result(
      {{"status", "diverged"},
       {"reason", ""},
       {"outcome", "nonfinite"},
       {"steps_completed", 7},
       {"wall_s", 2.5},
       {"first_nonfinite",
        {{"step", 7}, {"phase", "backward"}, {"kind", "inf"}, {"tensor", "score.weight"}}}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, Status::kDiverged);
  EXPECT_EQ(result->outcome, Outcome::kNonfinite);
  EXPECT_EQ(result->steps_completed, 7);
  EXPECT_EQ(result->wall_s, 2.5);
  ASSERT_TRUE(result->first_nonfinite);
  EXPECT_EQ(result->first_nonfinite->step, 7);
  EXPECT_EQ(result->first_nonfinite->phase, Phase::kBackward);
  EXPECT_EQ(result->first_nonfinite->kind, NonfiniteKind::kInf);
  EXPECT_EQ(result->first_nonfinite->tensor, "score.weight");
}

TEST(Status, WhatIsNoResultOfOursIsNone) {
  EXPECT_FALSE(read_result(nullptr));
  EXPECT_FALSE(read_result({{"outcome", "trained"}}));
  EXPECT_FALSE(read_result({{"status", "finished"}}));
  const auto bare = read_result({{"status", "skipped"}, {"outcome", nullptr}});
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->outcome);
  EXPECT_FALSE(bare->first_nonfinite);
}

}  // namespace
}  // namespace dtbench
