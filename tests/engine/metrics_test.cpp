#include "engine/train/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/json.h"
#include "engine/numerics/scalar_type.h"
#include "source_folder.h"

namespace dtbench {
namespace {

// Worked by hand: label 0 has F1 2x2/(3+2), label 1 2x1/(2+3), label 2 has no support.
TEST(Metrics, FollowScikitLearnsDefinitions) {
  const SingleLabelMetrics metrics =
      single_label_metrics({0, 0, 0, 1, 1, 2}, {0, 0, 1, 1, 3, 1}, 4);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 3.0 / 6);
  EXPECT_DOUBLE_EQ(metrics.f1_micro, 3.0 / 6);
  EXPECT_DOUBLE_EQ(metrics.f1_macro, (4.0 / 5 + 2.0 / 5 + 0.0) / 3);
}

TEST(Metrics, AreOneWhenAllIsRight) {
  const SingleLabelMetrics metrics = single_label_metrics({1, 0}, {1, 0}, 9);
  EXPECT_DOUBLE_EQ(metrics.f1_macro, 1.0);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 1.0);
}

struct MultiLabelCase {
  std::string name;
  std::vector<float> logits;
  std::vector<std::uint8_t> truth;
  std::int64_t labels = 0;
  Json golden;
};

// golden/multi_label_metrics.py wrote them with scikit-learn.
std::vector<MultiLabelCase> multi_label_cases() {
  const Json golden =
      read_json_file(source_folder() / "tests/engine/golden/multi_label_metrics.json");
  std::vector<MultiLabelCase> cases;
  for (const Json& g : golden.at("metrics")) {
    MultiLabelCase item{g.at("name"), {}, {}, 0, g};
    item.labels = static_cast<std::int64_t>(g.at("truth")[0].size());
    for (const Json& row : g.at("logits"))
      for (const Json& logit : row)
        item.logits.push_back(logit.get<float>());
    for (const Json& row : g.at("truth"))
      for (const Json& bit : row)
        item.truth.push_back(bit.get<std::uint8_t>());
    cases.push_back(item);
  }
  return cases;
}

// Sums of at most as many terms as there are entries, none above 1, divided by their number.
double tolerance(const MultiLabelCase& item) {
  return reduction_tolerance(Dtype::kFloat64, Dtype::kFloat64,
                             static_cast<double>(item.logits.size()));
}

TEST(MultiLabelMetrics, AreScikitLearns) {
  const auto cases = multi_label_cases();
  ASSERT_GE(cases.size(), 11u);
  for (const MultiLabelCase& item : cases) {
    const MultiLabelMetrics metrics = multi_label_metrics(item.logits, item.truth, item.labels);
    const auto expect = [&](double found, const char* name) {
      EXPECT_NEAR(found, item.golden.at(name).get<double>(), tolerance(item))
          << item.name << ", " << name;
    };
    expect(metrics.f1_micro, "f1_micro");
    expect(metrics.f1_macro, "f1_macro");
    expect(metrics.average_precision_micro, "average_precision_micro");
  }
}

// Average precision that takes tied entries one after another depends on their order.
TEST(MultiLabelMetrics, GoldenTiesTellGroupsFromSequences) {
  for (const MultiLabelCase& item : multi_label_cases()) {
    if (item.name != "ties") continue;
    std::vector<std::size_t> order(item.logits.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return item.logits[a] > item.logits[b]; });
    std::vector<ScoreGroup> one_by_one;
    for (const std::size_t i : order)
      one_by_one.push_back({1, static_cast<double>(item.truth[i])});
    EXPECT_GT(std::abs(average_precision(one_by_one) -
                       item.golden.at("average_precision_micro").get<double>()),
              1000 * tolerance(item));
    return;
  }
  FAIL() << "no case with ties";
}

TEST(MultiLabelMetrics, ALogitThatIsNaNMakesThemNaN) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::uint8_t> truth = {1, 0, 0, 1};
  for (std::size_t at = 0; at < truth.size(); ++at) {
    std::vector<float> logits = {1, -1, 2, -2};
    logits[at] = kNaN;
    const MultiLabelMetrics metrics = multi_label_metrics(logits, truth, 2);
    EXPECT_TRUE(std::isnan(metrics.f1_micro));
    EXPECT_TRUE(std::isnan(metrics.f1_macro));
    EXPECT_TRUE(std::isnan(metrics.average_precision_micro));
  }
}

// Infinite logits rank first and last; scores 1 and 3 of 4 are true.
TEST(MultiLabelMetrics, InfiniteLogitsRankLikeOthers) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {kInfinity, 2, 1, -kInfinity};
  const std::vector<std::uint8_t> truth = {1, 0, 1, 0};
  const MultiLabelMetrics metrics = multi_label_metrics(logits, truth, 4);
  EXPECT_DOUBLE_EQ(metrics.average_precision_micro, 0.5 * 1 + 0.5 * 2 / 3);
  EXPECT_DOUBLE_EQ(metrics.f1_micro, 2 * 2.0 / (3 + 2));
}

}  // namespace
}  // namespace dtbench
