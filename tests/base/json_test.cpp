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

}  // namespace
}  // namespace dtbench
