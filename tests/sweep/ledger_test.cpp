#include "sweep/ledger.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "base/text.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

TEST(Ledger, AddsTheLastLinesOfAllAttemptsOfAllProcesses) {
  const TemporaryFolder folder;
  Ledger one(folder.path()), other(folder.path());
  const std::int64_t first = one.open_attempt(), second = one.open_attempt();
  one.put(first, "a", {10, 5});
  one.put(second, "b", {1, 1});
  one.put(first, "a", {20, 10});
  other.put(other.open_attempt(), "a", {3, 3});
  const auto spent = Ledger(folder.path()).by_cell();
  ASSERT_EQ(spent.size(), 2U);
  EXPECT_EQ(spent.at("a").wall_s, 23);
  EXPECT_EQ(spent.at("a").device_s, 13);
  EXPECT_EQ(spent.at("b").wall_s, 1);
  EXPECT_EQ(device_seconds(spent), 14);
}

TEST(Ledger, IsEmptyBeforeAnythingWasSpent) {
  const TemporaryFolder folder;
  EXPECT_TRUE(Ledger(folder.path() / "nowhere").by_cell().empty());
}

TEST(Ledger, ALineThatWasCutOffIsNotCounted) {
  const TemporaryFolder folder;
  Ledger ledger(folder.path());
  ledger.put(ledger.open_attempt(), "a", {2, 2});
  for (const auto& file : std::filesystem::directory_iterator(folder.path()))
    std::ofstream(file.path(), std::ios::app) << R"({"attempt": 1, "cell": "a", "wall)";
  EXPECT_EQ(device_seconds(ledger.by_cell()), 2);
}

// Only what was appended is read again: it must not show.
TEST(Ledger, FollowsFilesThatGrowAreRepairedAndGo) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "other.jsonl";
  const auto line = [](int attempt, int seconds) {
    return concat(R"({"attempt": )", attempt, R"(, "cell": "a", "wall_s": )", seconds,
                  R"(, "device_s": )", seconds, "}\n");
  };
  const Ledger ledger(folder.path());
  const auto spent = [&] { return device_seconds(ledger.by_cell()); };
  std::ofstream(file) << line(1, 10) << line(2, 5);
  EXPECT_EQ(spent(), 15);
  EXPECT_EQ(spent(), 15);
  std::ofstream(file, std::ios::app) << line(2, 7) << line(3, 1).substr(0, 20);
  EXPECT_EQ(spent(), 17);
  std::ofstream(file, std::ios::app) << line(3, 1).substr(20);
  EXPECT_EQ(spent(), 18);
  std::ofstream(file) << line(1, 4);  // shorter
  EXPECT_EQ(spent(), 4);
  std::ofstream(file, std::ios::app) << "no JSON\n";
  expect_error([&] { ledger.by_cell(); }, ExitCode::kUsage, {"other.jsonl", "line 2: not JSON"});
  std::filesystem::remove(file);
  EXPECT_EQ(spent(), 0);
}

TEST(Ledger, DamageIsNamed) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "foreign.jsonl") << "{\"cell\": 3}\n";
  try {
    Ledger(folder.path()).by_cell();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("foreign.jsonl"), std::string::npos);
  }
}

// They would pay back what others have spent.
TEST(Ledger, TimesThatNobodyCanHaveWorkedAreDamage) {
  for (const char* seconds : {"-1", "1e300", "\"NaN\"", "[1]"}) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "a.jsonl")
        << R"({"attempt":1,"cell":"a","wall_s":1,"device_s":)" << seconds << "}\n";
    expect_error([&] { Ledger(folder.path()).by_cell(); }, ExitCode::kUsage, {"a.jsonl"});
  }
}

TEST(Ledger, NumbersBeyondIntegersAreDamage) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "a.jsonl")
      << R"({"attempt":1e300,"cell":"a","wall_s":1,"device_s":1})" << '\n';
  expect_error([&] { Ledger(folder.path()).by_cell(); }, ExitCode::kUsage,
               {"a.jsonl", "whole number"});
}

}  // namespace
}  // namespace dtbench
