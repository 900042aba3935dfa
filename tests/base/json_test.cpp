#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/error.h"

namespace dtbench {
namespace {

TEST(Json, NonFiniteNumbersAreStringsAndReadBack) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(json_number(std::nan("")), "NaN");
  EXPECT_EQ(json_number(infinity), "Infinity");
  EXPECT_EQ(json_number(-infinity), "-Infinity");
  EXPECT_TRUE(std::isnan(number_from_json("NaN", "loss")));
  EXPECT_EQ(number_from_json("-Infinity", "loss"), -infinity);
  EXPECT_THROW(number_from_json("nan", "loss"), Error);
}

TEST(Json, FloatsCarryAllTheirDigits) {
  for (const double value : {0.1, 1e-8, 6e-4, 1.0 / 3.0, 5e-324, 1.7976931348623157e308}) {
    EXPECT_EQ(Json::parse(json_number(value).dump()).get<double>(), value);
  }
}

TEST(Json, CanonicalTextSortsKeysAndDropsWhiteSpace) {
  EXPECT_EQ(canonical_json(Json::parse(R"({ "b": [1, 2.5], "a": {"z": null, "y": 1e-8} })")),
            R"({"a":{"y":1e-08,"z":null},"b":[1,2.5]})");
}

TEST(Json, MalformedFilesAreNamed) {
  const auto path = std::filesystem::temp_directory_path() / "dtbench_json_test.json";
  std::ofstream(path) << "{\"a\": 1,\n \"b\": }";
  try {
    read_json_file(path);
    FAIL() << "malformed JSON was accepted";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
    EXPECT_NE(message.find("line 2"), std::string::npos) << message;
    EXPECT_EQ(error.code(), ExitCode::kUsage);
  }
  std::filesystem::remove(path);
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string refusal(const std::string& text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, limits);
  } catch (const Json::parse_error& error) {
    return json_fault(error);
  }
  return "";
}

TEST(Json, WhatNestsDeeplyIsRefusedBeforeAnythingRecursOverIt) {
  EXPECT_EQ(parse_json(nested(100)), Json::parse(nested(100)));
  EXPECT_NE(refusal(nested(101)).find("deeper than 100"), std::string::npos);
  std::string objects;
  for (int i = 0; i < 10'000; ++i)
    objects += R"({"a":)";
  EXPECT_NE(refusal(objects + "1" + std::string(10'000, '}')).find("deeper"), std::string::npos);
  // Beside each other is not inside each other.
  EXPECT_EQ(refusal("[" + std::string(400, ' ') + nested(50) + "," + nested(50) + "]"), "");
}

TEST(Json, LimitsOfValuesAndNames) {
  EXPECT_EQ(refusal("[1,2]", {.values = 3}), "");
  EXPECT_NE(refusal("[1,2]", {.values = 2}).find("more than 2 values"), std::string::npos);
  EXPECT_EQ(parse_json(R"({"a":1,"a":2})"), Json({{"a", 2}}));
  EXPECT_NE(refusal(R"({"b":{"a":1,"a":2}})", {.unique_names = true}).find("\"a\" occurs twice"),
            std::string::npos);
  EXPECT_EQ(refusal(R"({"b":{"a":1},"a":2})", {.unique_names = true}), "");
}

// What the library throws as other exceptions, or hides.
TEST(Json, EveryFaultOfATextIsOneKind) {
  EXPECT_NE(refusal("[1e999]").find("too large"), std::string::npos);
  EXPECT_NE(refusal(std::string("{}\0 hidden", 10)).find("NUL"), std::string::npos);
  EXPECT_NE(refusal("\"\xff\""), "");
  EXPECT_NE(refusal("{"), "");
  EXPECT_EQ(refusal("{} x").find("json.exception"), std::string::npos);
  EXPECT_LT(refusal("\"" + std::string(100'000, 'a')).size(), 250u);
  EXPECT_EQ(parse_json_or_none("[1e999]"), std::nullopt);
  EXPECT_EQ(parse_json_or_none("[1]"), Json({1}));
}

}  // namespace
}  // namespace dtbench
