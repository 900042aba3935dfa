#include "config/fields.h"

#include <gtest/gtest.h>

#include <limits>

#include "config/support.h"

namespace dtbench {

// A struct as it was, and as it is once two fields came, one of them with another default.
struct Before {
  std::int64_t steps = 10;
};
struct Inner {
  double rate = 1;
  std::string rule = "new";
};
struct After {
  std::int64_t steps = 10;
  bool fast = true;
  Inner inner;
};

template <typename Visit>
static void visit_fields(Before& s, Visit&& visit) {
  visit(Field("steps").between(1, 1000), s.steps);
}
template <typename Visit>
static void visit_fields(Inner& s, Visit&& visit) {
  visit(Field("rate").at_least(0).below(2), s.rate);
  visit(Field("rule").historically("old"), s.rule);
}
template <typename Visit>
static void visit_fields(After& s, Visit&& visit) {
  visit(Field("steps").between(1, 1000), s.steps);
  visit(Field("fast").historically(false), s.fast);
  visit("inner", s.inner);
}

namespace {

Json recorded(const After& value) {
  Json json = field_to_json(value);
  omit_historical<After>(json);
  return json;
}

After read(Json json) {
  fill_in_historical<After>(json);
  After value;
  read_struct(json, {"", "spec.json"}, MissingKeys::kAreErrors, value);
  return value;
}

TEST(Fields, AMissingFieldMeansItsHistoricalValueAndNotTheDefault) {
  Json old = field_to_json(Before{});
  old["inner"] = {{"rate", 1.0}};
  const After value = read(old);
  EXPECT_FALSE(value.fast);
  EXPECT_EQ(value.inner.rule, "old");
  EXPECT_EQ(recorded(value), old);  // so the hash of it stays
}

TEST(Fields, OnlyTheHistoricalValueStaysOut) {
  const Json json = recorded(After{});
  EXPECT_EQ(json.at("fast"), true);  // the default is another value
  EXPECT_EQ(json.at("inner").at("rule"), "new");
  const After again = read(json);
  EXPECT_TRUE(again.fast);
  EXPECT_EQ(again.inner.rule, "new");
}

TEST(Fields, AFieldWithoutHistoryMustBeThere) {
  EXPECT_TRUE(says(usage_message([] { read({{"inner", {{"rate", 1.0}}}}); }),
                   "The key 'steps' is missing in spec.json"));
}

TEST(Fields, RangesSayWhatTheyAre) {
  const auto refusal = [](double rate) {
    After value;
    value.inner.rate = rate;
    return usage_message([&] { require_ranges(value, {"", "a.toml"}); });
  };
  EXPECT_EQ(refusal(1.5), "");
  EXPECT_EQ(refusal(0), "");
  EXPECT_TRUE(says(refusal(2), "'inner.rate' must be at least 0 and below 2, got 2 in a.toml."));
  EXPECT_TRUE(says(refusal(std::numeric_limits<double>::quiet_NaN()), "got nan"));
  EXPECT_TRUE(says(refusal(std::numeric_limits<double>::infinity()), "got inf"));
}

}  // namespace
}  // namespace dtbench
