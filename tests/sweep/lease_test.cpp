#include "sweep/lease.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr double kExpiry = 60;

// An observer whose steady clock the test moves.
class LeaseTest : public ::testing::Test {
 protected:
  Leases observer() {
    return {folder_.path() / "leases", kExpiry, [this] { return now_; }};
  }
  // The lease as a process of another machine would have left it: nobody here holds its lock, and
  // its kernel is another.
  void move_to_another_machine(std::int64_t number = 1) const {
    std::ofstream(folder_.path() / "leases" / "cell" / std::to_string(number) / "holder.json")
        << R"({"host": "elsewhere", "process": 7, "boot_id": "another"})";
  }

  TemporaryFolder folder_;
  double now_ = 1000;
};

TEST_F(LeaseTest, IsHeldWhileItsHolderLives) {
  Leases mine = observer(), others = observer();
  const LeaseView free = others.look("cell");
  EXPECT_EQ(free.number, 0);
  EXPECT_EQ(free.standing, LeaseStanding::kFree);
  const auto lease = mine.acquire("cell", mine.look("cell"));
  ASSERT_NE(lease, nullptr);
  for (const double wait :
       {0.0, 30.0, 29.0}) {  // a holder on this machine needs its heartbeat, too
    now_ += wait;
    EXPECT_EQ(others.look("cell").standing, LeaseStanding::kHeld);
  }
  EXPECT_EQ(others.look("another cell").standing, LeaseStanding::kFree);
}

TEST_F(LeaseTest, OneOfTwoGetsIt) {
  Leases mine = observer(), others = observer();
  const LeaseView free = others.look("cell");
  const auto lease = mine.acquire("cell", mine.look("cell"));
  EXPECT_NE(lease, nullptr);
  EXPECT_EQ(others.acquire("cell", free), nullptr);
}

TEST_F(LeaseTest, EndsWithWhatWentWrong) {
  Leases mine = observer(), others = observer();
  mine.acquire("cell", mine.look("cell"))->end("the disk is on fire");
  const LeaseView ended = others.look("cell");
  EXPECT_EQ(ended.standing, LeaseStanding::kFree);
  EXPECT_EQ(ended.number, 1);
  EXPECT_EQ(ended.failure, "the disk is on fire");
  EXPECT_NE(others.acquire("cell", ended), nullptr);
  EXPECT_EQ(mine.look("cell").number, 2);
}

TEST_F(LeaseTest, ExpiresWhenItsHeartbeatIsSilentForTheObserver) {
  Leases mine = observer(), others = observer();
  const auto lease = mine.acquire("cell", mine.look("cell"));
  move_to_another_machine();
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kHeld);
  now_ += kExpiry;
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kHeld);
  EXPECT_TRUE(lease->beat());
  now_ += 1;  // the beat is news, whenever it happened
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kHeld);
  now_ += kExpiry + 1;
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kFree);
}

TEST_F(LeaseTest, TimesOfFilesMeanNothing) {
  Leases mine = observer(), others = observer();
  const auto lease = mine.acquire("cell", mine.look("cell"));
  move_to_another_machine();
  const auto set_times = [&](std::chrono::hours from_now) {
    for (const auto& file : fs::recursive_directory_iterator(folder_.path() / "leases"))
      fs::last_write_time(file, fs::file_time_type::clock::now() + from_now);
  };
  set_times(std::chrono::hours(-24 * 365));
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kHeld);
  set_times(std::chrono::hours(24 * 365));
  now_ += kExpiry + 1;
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kFree);
}

TEST_F(LeaseTest, AnObserverThatJustArrivedWaitsTheWholeTime) {
  Leases mine = observer();
  const auto lease = mine.acquire("cell", mine.look("cell"));
  move_to_another_machine();
  now_ += 10 * kExpiry;
  Leases late = observer();
  EXPECT_EQ(late.look("cell").standing, LeaseStanding::kHeld);
  now_ += kExpiry + 1;
  EXPECT_EQ(late.look("cell").standing, LeaseStanding::kFree);
}

TEST_F(LeaseTest, AHolderThatWasAwayForTooLongHasLostIt) {
  Leases mine = observer(), others = observer();
  const auto lease = mine.acquire("cell", mine.look("cell"));
  move_to_another_machine();
  others.look("cell");
  now_ += kExpiry + 1;
  const auto taken_over = others.acquire("cell", others.look("cell"));
  ASSERT_NE(taken_over, nullptr);
  EXPECT_FALSE(lease->beat());
  lease->end("too late to matter");
  EXPECT_TRUE(taken_over->beat());
  EXPECT_EQ(mine.look("cell").standing, LeaseStanding::kHeld);
  EXPECT_EQ(mine.look("cell").number, 2);
}

TEST_F(LeaseTest, OfThoseWhoSawItExpireOneGetsIt) {
  Leases mine = observer(), second = observer(), third = observer();
  const auto lease = mine.acquire("cell", mine.look("cell"));
  move_to_another_machine();
  second.look("cell");
  third.look("cell");
  now_ += kExpiry + 1;
  const LeaseView seen_by_second = second.look("cell"), seen_by_third = third.look("cell");
  auto taken_over = second.acquire("cell", seen_by_second);
  ASSERT_NE(taken_over, nullptr);
  EXPECT_EQ(third.acquire("cell", seen_by_third), nullptr);
  // Even when that one is gone again, and the folder of the number that the third wants with it.
  taken_over->end("");
  const auto fourth = mine.acquire("cell", mine.look("cell"));
  ASSERT_NE(fourth, nullptr);
  EXPECT_EQ(third.acquire("cell", seen_by_third), nullptr);
  EXPECT_TRUE(fourth->beat());
}

TEST_F(LeaseTest, AHolderOnThisMachineThatDiedIsSeenAtOnce) {
  Leases mine = observer();
  if (const pid_t child = fork(); child == 0) {
    const auto lease = mine.acquire("cell", mine.look("cell"));
    _exit(lease == nullptr ? 1 : 0);
  }
  int status = 0;
  wait(&status);
  ASSERT_EQ(status, 0);
  Leases others = observer();
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kHeld);  // it may just not be locked yet
  now_ += 3;
  EXPECT_EQ(others.look("cell").standing, LeaseStanding::kFree);
}

TEST_F(LeaseTest, ForeignFilesAreNoLeases) {
  fs::create_directories(folder_.path() / "leases" / "cell" / "notes");
  std::ofstream(folder_.path() / "leases" / "cell" / "1x") << "?";
  Leases mine = observer();
  EXPECT_EQ(mine.look("cell").number, 0);
  EXPECT_NE(mine.acquire("cell", mine.look("cell")), nullptr);
}

// A number without a successor would be waited for without end; others are not as we write them.
TEST_F(LeaseTest, PlantedNumbersAreNamedOrPassedOver) {
  const fs::path cell = folder_.path() / "leases" / "cell";
  for (const char* planted : {"-3", "007", "+5", "99999999999999999999"})
    fs::create_directories(cell / planted);
  Leases mine = observer();
  EXPECT_EQ(mine.look("cell").number, 0);
  const auto lease = mine.acquire("cell", mine.look("cell"));
  EXPECT_NE(lease, nullptr);
  fs::create_directories(cell / "9223372036854775807");
  expect_error([&] { mine.look("cell"); }, ExitCode::kUsage, {"9223372036854775807", "no lease"});
  expect_error([&] { lease->beat(); }, ExitCode::kUsage, {"9223372036854775807", "Remove it"});
}

TEST_F(LeaseTest, PlantedContentIsNoHolder) {
  const fs::path lease = folder_.path() / "leases" / "cell" / "1";
  fs::create_directories(lease);
  for (const char* planted : {"[1, 2]", "3", "{\"boot_id\": [], \"failure\": {}}", "{"}) {
    for (const char* file : {"holder.json", "ended.json"})
      std::ofstream(lease / file) << planted;
    EXPECT_EQ(observer().look("cell").failure, "") << planted;
  }
  fs::remove(lease / "ended.json");
  ASSERT_EQ(mkfifo((lease / "lock").c_str(), 0600), 0);  // opened, it would wait for a writer
  ASSERT_EQ(mkfifo((lease / "beats.jsonl").c_str(), 0600), 0);
  EXPECT_EQ(observer().look("cell").standing, LeaseStanding::kHeld);
}

}  // namespace
}  // namespace dtbench
