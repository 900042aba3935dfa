// Properties of the verdict's rule, over all outcomes that a small study can have: it is where the
// printed interval lies, and never two things at once.
#include <gtest/gtest.h>

#include <cmath>

#include "analysis/looks.h"
#include "analysis/mean_part.h"
#include "analysis/proportions.h"
#include "analysis/signed_rank.h"
#include "base/philox.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr double kAlphas[] = {0.05, 0.05 / 3};

Part share_part(std::int64_t wins, std::int64_t losses, std::int64_t n) {
  const Discordant pairs{wins, losses, n};
  Part part;
  part.interval = [pairs](double alpha) { return paired_difference_interval(pairs, alpha); };
  return part;
}

Part rank_part(const std::vector<Interval>& differences) {
  const SignedRank rank(differences);
  Part part;
  part.interval = [rank](double alpha) { return rank.interval(alpha); };
  return part;
}

Finding finding_of(std::vector<Part> parts, double threshold) {
  Finding finding;
  finding.parts = std::move(parts);
  finding.threshold = threshold;
  return finding;
}

// The claim turned round: every part's sign, and the threshold's.
Finding mirrored(const Finding& finding) {
  Finding other = finding;
  other.threshold = -finding.threshold;
  for (Part& part : other.parts)
    part.interval = [of = part.interval](double alpha) {
      const Interval interval = of(alpha);
      return Interval{-interval.high, -interval.low};
    };
  return other;
}

void expect_one_answer(const Finding& finding, const std::string& what) {
  for (const double alpha : kAlphas) {
    const Judged judged = judge({finding}, alpha);
    const Interval& printed = judged.interval;
    ASSERT_LE(printed.low, printed.high) << what;
    const bool above = printed.low > finding.threshold, below = printed.high < finding.threshold;
    ASSERT_FALSE(above && below) << what;
    ASSERT_EQ(judged.verdict == Verdict::kSupported, above) << what;
    ASSERT_EQ(judged.verdict == Verdict::kRefuted, below) << what;
    ASSERT_EQ(judged.verdict == Verdict::kUndecided, !above && !below) << what;
    // At a stricter level a verdict may become undecided, and never its opposite.
    const Verdict strict = judge({finding}, alpha / 10).verdict;
    ASSERT_TRUE(strict == judged.verdict || strict == Verdict::kUndecided) << what;
    if (finding.parts.size() > 1) continue;
    const Verdict opposite = judge({mirrored(finding)}, alpha).verdict;
    ASSERT_EQ(opposite == Verdict::kSupported, judged.verdict == Verdict::kRefuted) << what;
    ASSERT_EQ(opposite == Verdict::kRefuted, judged.verdict == Verdict::kSupported) << what;
  }
}

TEST(VerdictRules, EveryTableOfUpTo40CellsHasOneAnswer) {
  for (std::int64_t n = 1; n <= 20; ++n)  // pairs of cells
    for (std::int64_t wins = 0; wins <= n; ++wins)
      for (std::int64_t losses = 0; wins + losses <= n; ++losses)
        for (const double threshold : {-0.5, 0.0, 0.5})
          expect_one_answer(finding_of({share_part(wins, losses, n)}, threshold),
                            concat(wins, " ", losses, " of ", n, ", ", threshold));
}

TEST(VerdictRules, EveryPairOfTablesHasOneAnswer) {
  constexpr std::int64_t kPairs = 10;
  for (std::int64_t a = -kPairs; a <= kPairs; ++a)
    for (std::int64_t b = -kPairs; b <= kPairs; ++b) {
      const auto part = [](std::int64_t x) {
        return share_part(std::max<std::int64_t>(x, 0), std::max<std::int64_t>(-x, 0), kPairs);
      };
      expect_one_answer(finding_of({part(a), part(b)}, 0), concat(a, " and ", b));
    }
}

// Eight differences on a grid of steps from -2 to 2, each known within a step.
TEST(VerdictRules, EveryOutcomeOfRatesHasOneAnswer) {
  constexpr int kSeeds = 8;
  int counts[5];
  for (counts[0] = 0; counts[0] <= kSeeds; ++counts[0])
    for (counts[1] = 0; counts[0] + counts[1] <= kSeeds; ++counts[1])
      for (counts[2] = 0; counts[0] + counts[1] + counts[2] <= kSeeds; ++counts[2])
        for (counts[3] = 0; counts[0] + counts[1] + counts[2] + counts[3] <= kSeeds; ++counts[3]) {
          counts[4] = kSeeds - counts[0] - counts[1] - counts[2] - counts[3];
          std::vector<Interval> differences;
          for (int value = 0; value < 5; ++value)
            for (int i = 0; i < counts[value]; ++i)
              differences.push_back({value - 2.5, value - 1.5});
          expect_one_answer(finding_of({rank_part(differences)}, 0), "rates");
        }
}

TEST(VerdictRules, MeansHaveOneAnswer) {
  for (int step = -20; step <= 20; ++step) {
    const double centre = step / 10.0;
    for (const double spread : {0.0, 0.3, 2.0})
      expect_one_answer(
          finding_of({mean_part("", {centre - spread, centre, centre + spread}, Json::object())},
                     0),
          concat(centre, " ", spread));
  }
}

// What the rule before this one called `supported` while the printed interval held 0 and its other
// test refuted a half.
TEST(VerdictRules, TwelveOfFortyAgainstTwoOfForty) {
  const Finding finding = finding_of({share_part(12, 2, 40)}, 0);
  const Judged judged = judge({finding}, 0.05);
  EXPECT_EQ(judged.verdict == Verdict::kSupported, judged.interval.low > 0);
  EXPECT_EQ(judge({finding_of({share_part(12, 2, 40)}, 0.5)}, 0.05).verdict, Verdict::kRefuted);
}

TEST(VerdictRules, ThePValueIsTheLevelAtWhichTheIntervalLeavesTheThreshold) {
  for (const Finding& finding :
       {finding_of({share_part(9, 0, 10), share_part(10, 0, 10)}, 0),
        finding_of({mean_part("", {0.2, 0.5, 0.4, 0.9}, Json::object())}, 0),
        finding_of({rank_part(std::vector<Interval>(8, {1, 2}))}, 0)}) {
    const double p = p_value(finding.parts, finding.threshold);
    ASSERT_GT(p, 1e-9);
    EXPECT_TRUE(decides({finding}, p * 1.000001));
    EXPECT_FALSE(decides({finding}, p * 0.999999));
  }
}

TEST(VerdictRules, PartsThatDisagreeAreSeenAndRefuteTheClaimAboutAll) {
  const Finding finding = finding_of({share_part(20, 0, 20), share_part(0, 20, 20)}, 0);
  EXPECT_TRUE(disagree(finding.parts, 0, 0.05));
  EXPECT_EQ(judge({finding}, 0.05).verdict, Verdict::kRefuted);
  EXPECT_FALSE(disagree({share_part(20, 0, 20), share_part(9, 9, 20)}, 0, 0.05));
}

// --- looks ---

Finding look(double centre, bool complete = true) {
  Finding finding =
      finding_of({mean_part("", {centre - 1, centre, centre + 1}, Json::object())}, 0);
  if (!complete) finding.missing = "some";
  return finding;
}

TEST(Looks, NothingIsJudgedBeforeALookIsComplete) {
  EXPECT_EQ(judge({look(1000, false)}, 0.05).verdict, Verdict::kInterim);
  EXPECT_EQ(judge({look(0), look(1000, false)}, 0.05).verdict, Verdict::kInterim);
}

TEST(Looks, TheFirstThatDecidesIsTheAnswer) {
  EXPECT_EQ(judge({look(1000), look(-1000)}, 0.05).verdict, Verdict::kSupported);
  EXPECT_EQ(judge({look(1000), look(0, false)}, 0.05).verdict, Verdict::kSupported);
  EXPECT_EQ(judge({look(0), look(-1000)}, 0.05).verdict, Verdict::kRefuted);
}

TEST(Looks, AlphaIsSplitOverThem) {
  // At 4 spreads from 0 three values decide at 0.05 and not at half of it.
  EXPECT_EQ(judge({look(3)}, 0.05).verdict, Verdict::kSupported);
  EXPECT_EQ(judge({look(3), look(3)}, 0.05).verdict, Verdict::kUndecided);
  EXPECT_DOUBLE_EQ(judge({look(3), look(3)}, 0.05).alpha, 0.025);
}

// Random walks under the null hypothesis: whoever looks four times at unplanned levels finds
// "something" far more often than alpha, with planned ones no more often.
TEST(Looks, ManyLooksDoNotRaiseTheErrorRate) {
  constexpr int kTrials = 2000;
  int planned = 0, unplanned = 0;
  for (std::uint32_t trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values;
    std::vector<Finding> looks;
    bool any = false;
    for (std::uint32_t i = 0; i < 20; ++i) {
      const PhiloxWords words = philox4x32_10({{trial, i, 0, 5}}, {2026, 96});
      values.push_back(normal_pair(words.v[0], words.v[1])[0]);
      if (values.size() % 5 != 0) continue;
      looks.push_back(finding_of({mean_part("", values, Json::object())}, 0));
      any = any || decides({looks.back()}, 0.05);
    }
    planned += decides(looks, 0.05) ? 1 : 0;
    unplanned += any ? 1 : 0;
  }
  const double error = 4 * std::sqrt(0.05 * 0.95 / kTrials);
  EXPECT_LE(planned / double{kTrials}, 0.05 + error);
  EXPECT_GT(unplanned / double{kTrials}, 0.05 + error);
}

}  // namespace
}  // namespace dtbench
