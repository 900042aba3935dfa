#include "sweep/slurm_time.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

// The forms of sbatch(1): "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
// "days-hours:minutes" and "days-hours:minutes:seconds".
TEST(SlurmTime, TakesEveryFormOfSbatch) {
  EXPECT_EQ(slurm_seconds("90"), 5400);
  EXPECT_EQ(slurm_seconds("2:30"), 150);
  EXPECT_EQ(slurm_seconds("4:00:00"), 14400);
  EXPECT_EQ(slurm_seconds("1-2"), 93600);
  EXPECT_EQ(slurm_seconds("1-2:03"), 93780);
  EXPECT_EQ(slurm_seconds("1-2:03:04"), 93784);
  for (const char* none : {"0", "UNLIMITED", "INFINITE"})
    EXPECT_EQ(slurm_seconds(none), 0) << none;
}

TEST(SlurmTime, TakesNothingElse) {
  for (const char* bad : {"", "banana", "-5", "1:2:3:4", "4h", "1-", "1.5", " 3", "9999999999"})
    EXPECT_EQ(slurm_seconds(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace dtbench
