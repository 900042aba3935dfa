#include "record/run_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <functional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "config/support.h"
#include "record/run_lock.h"
#include "record/step_columns.h"

namespace dtbench {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void append(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

class Record : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::filesystem::path run_ = folder_.path() / "runs" / "0123456789abcdef";
};

TEST_F(Record, HoldsWhatWasWritten) {
  {
    RunDirectory run(run_);
    run.write_spec({{"scenario", "A"}});
    run.write_audit({{"schema_version", 1}});
    run.append_step({{"step", 1}, {"loss", 7.624619}});
    run.append_step({{"step", 2}, {"loss", json_number(std::nan(""))}});
    run.append_event({{"event", "nonfinite"}});
    run.write_result({{"schema_version", 1}, {"status", "diverged"}});
  }
  const RunRecord record = read_run(run_);
  EXPECT_FALSE(record.damage.has_value()) << *record.damage;
  EXPECT_EQ(record.spec.at("scenario"), "A");
  EXPECT_EQ(record.result.at("status"), "diverged");
  const std::vector<Json> steps = read_lines(run_ / "steps.jsonl");
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].at("loss"), 7.624619);
  EXPECT_EQ(steps[1].at("loss"), "NaN");
  const std::vector<Json> events = read_lines(run_ / "events.jsonl");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("at").get<std::string>().size(),
            std::string("2026-01-31T12:34:56.789Z").size());
  EXPECT_EQ(content(run_ / "steps.jsonl"),
            "{\"loss\":7.624619,\"step\":1}\n{\"loss\":\"NaN\",\"step\":2}\n");
}

TEST_F(Record, IsReadableWhileTheRunGoesOn) {
  RunDirectory run(run_);
  run.write_spec({{"scenario", "A"}});
  run.append_step({{"step", 1}});
  const int file = open((run_ / "steps.jsonl").c_str(), O_WRONLY | O_APPEND);
  ASSERT_EQ(write(file, "{\"step\":2,\"lo", 13), 13);
  close(file);
  const RunRecord record = read_run(run_);
  EXPECT_FALSE(record.damage.has_value()) << *record.damage;
  EXPECT_TRUE(record.result.is_null());
  EXPECT_EQ(read_lines(run_ / "steps.jsonl").size(), 1U);
}

TEST_F(Record, OneWriterAtATime) {
  EXPECT_FALSE(is_running(run_));
  {
    RunDirectory run(run_);
    EXPECT_TRUE(is_running(run_));
    EXPECT_TRUE(is_running(run_));  // asking takes nothing away
    try {
      RunDirectory second(run_);
      FAIL() << "a second writer was let in";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kRetryable);
      EXPECT_TRUE(says(error.what(), run_.string()));
    }
    EXPECT_THROW(set_aside(run_), Error);
    EXPECT_TRUE(std::filesystem::exists(run_));
  }
  EXPECT_FALSE(is_running(run_));
  RunDirectory again(run_);
}

TEST_F(Record, TheLockEndsWithAKilledProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const RunDirectory run(run_);
    if (write(ready[1], "x", 1) == 1) pause();
    _exit(1);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(is_running(run_));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_running(run_));
}

TEST_F(Record, AKilledWritersPartOfALineIsDropped) {
  {
    RunDirectory run(run_);
    run.append_step({{"step", 1}});
  }
  append(run_ / "steps.jsonl", "{\"step\":2,\"loss\":3.1");
  RunDirectory run(run_);
  run.append_step({{"step", 2}});
  EXPECT_EQ(content(run_ / "steps.jsonl"), "{\"step\":1}\n{\"step\":2}\n");
}

TEST_F(Record, GoesBackToACheckpointsPlace) {
  RunDirectory run(run_);
  run.append_step({{"step", 1}});
  const std::uint64_t place = run.steps_size();
  run.append_step({{"step", 2}});
  run.truncate_steps(place);
  run.append_step({{"step", 2}, {"again", true}});
  EXPECT_EQ(content(run_ / "steps.jsonl"), "{\"step\":1}\n{\"again\":true,\"step\":2}\n");
  EXPECT_THROW(run.truncate_steps(1000), Error);
  EXPECT_EQ(read_lines(run_ / "steps.jsonl").size(), 2U);
}

TEST_F(Record, RemoveResultIsFineWithoutOne) {
  RunDirectory run(run_);
  run.remove_result();
  run.write_result({{"schema_version", 1}});
  run.remove_result();
  EXPECT_FALSE(std::filesystem::exists(run_ / "result.json"));
}

// A limit on the file size stands in for a full disk: write(2) takes a part of the line, then
// nothing.
TEST_F(Record, ALineThatDoesNotFitLeavesNoTrace) {
  RunDirectory run(run_);
  run.append_step({{"step", 1}});
  const std::string before = content(run_ / "steps.jsonl");
  struct rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  struct rlimit small = limit;
  small.rlim_cur = before.size() + 5;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(run.append_step({{"step", 2}}), Error);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(content(run_ / "steps.jsonl"), before);
  run.append_step({{"step", 2}});
  EXPECT_EQ(read_lines(run_ / "steps.jsonl").size(), 2U);
}

TEST_F(Record, AFullDiskIsRetryable) {
  std::filesystem::create_directories(run_);
  // A device of the kind of /dev/full: a link to that would not be followed.
  if (mknod((run_ / "events.jsonl").c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0)
    GTEST_SKIP() << "making a device needs root";
  RunDirectory run(run_);
  try {
    run.append_event({{"event", "started"}});
    FAIL() << "an event was written to a full disk";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kRetryable);
    EXPECT_TRUE(says(error.what(), "events.jsonl"));
    EXPECT_TRUE(says(error.what(), "No space left"));
  }
}

TEST_F(Record, APlaceThatIsNoDirectoryIsNamed) {
  const auto file = folder_.write("file", "");
  try {
    RunDirectory run(file / "runs");
    FAIL() << "a directory was made under a file";
  } catch (const Error& error) {
    EXPECT_TRUE(says(error.what(), (file / "runs").string()));
  }
}

TEST_F(Record, DamageIsDescribedAndNeverThrown) {
  {
    RunDirectory run(run_);
    run.write_spec({{"scenario", "A"}});
    run.append_step({{"step", 1}});
  }
  append(run_ / "steps.jsonl", "garbage\n{\"step\":3}\n");
  append(run_ / "result.json", "{\"status\": ");
  const RunRecord record = read_run(run_);
  ASSERT_TRUE(record.damage.has_value());
  EXPECT_TRUE(says(*record.damage, "steps.jsonl, line 2: not JSON"));
  EXPECT_TRUE(says(*record.damage, "result.json"));
  EXPECT_EQ(record.spec.at("scenario"), "A");
  EXPECT_EQ(read_lines(run_ / "steps.jsonl").size(), 2U);

  std::filesystem::remove(run_ / "spec.json");
  EXPECT_TRUE(says(*read_run(run_).damage, "spec.json is missing"));
  append(run_ / "audit.json", "[]");
  EXPECT_TRUE(says(*read_run(run_).damage, "audit.json: not a JSON object"));
  EXPECT_TRUE(read_run(folder_.path() / "nowhere").damage.has_value());
}

TEST_F(Record, AnotherSchemaIsDamage) {
  RunDirectory run(run_);
  run.write_spec({{"scenario", "A"}});
  run.write_result({{"schema_version", 2}});
  EXPECT_TRUE(says(*read_run(run_).damage, "schema_version is 2, this program reads 1"));
}

TEST_F(Record, RunsAreSortedByTheirStart) {
  const auto root = run_.parent_path();
  for (const auto& [id, start] :
       std::vector<std::pair<std::string, std::string>>{{"b", "2026-01-02T00:00:00.000Z"},
                                                        {"a", "2026-01-03T00:00:00.000Z"},
                                                        {"d", "2026-01-01T00:00:00.000Z"},
                                                        {"c", "2026-01-02T00:00:00.000Z"}}) {
    RunDirectory run(root / id);
    run.write_spec({{"scenario", "A"}});
    run.write_result({{"schema_version", 1}, {"started_at", start}});
  }
  std::filesystem::create_directories(root / "no-run");
  const auto aside = set_aside(root / "a");
  EXPECT_TRUE(is_set_aside(aside));
  EXPECT_TRUE(std::filesystem::exists(aside / "result.json"));
  {
    RunDirectory unfinished(root / "e");
    unfinished.write_spec({{"scenario", "A"}});
    unfinished.append_event({{"event", "started"}});
  }
  std::string order;
  for (const RunRecord& run : read_runs(root))
    order += run.path.filename().string();
  EXPECT_EQ(order, "dbce");
  EXPECT_TRUE(read_runs(folder_.path() / "nowhere").empty());
}

void expect_retryable(const std::function<void()>& action, const std::string& part) {
  try {
    action();
    ADD_FAILURE() << "no error, expected one about '" << part << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kRetryable) << error.what();
    EXPECT_TRUE(says(error.what(), part));
  }
}

TEST_F(Record, HealthGoesBackToAStep) {
  {
    RunDirectory run(run_);
    for (int step = 0; step < 4; ++step)
      run.append_health({{"step", step}});
    run.append_health({{"kind", "spike"}, {"step", 3}});
    run.drop_health_from(3);
    run.append_health({{"again", true}, {"step", 3}});
  }
  EXPECT_EQ(content(run_ / "health.jsonl"),
            "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"again\":true,\"step\":3}\n");
  RunDirectory(run_).drop_health_from(0);
  EXPECT_EQ(content(run_ / "health.jsonl"), "");
}

// What cannot be read stays, and the record goes on being damaged.
TEST_F(Record, GoingBackHidesNoDamagedHealth) {
  {
    RunDirectory run(run_);
    run.write_spec({{"scenario", "A"}});
    run.append_health({{"step", 0}});
  }
  append(run_ / "health.jsonl", "{\"step\":\n[]\n{\"step\":2}\n{\"step\":");
  RunDirectory(run_).drop_health_from(2);
  EXPECT_EQ(content(run_ / "health.jsonl"), "{\"step\":0}\n{\"step\":\n[]\n");
  EXPECT_EQ(read_run(run_).damage, "health.jsonl, line 2: not JSON");
}

TEST_F(Record, WithoutHealthHasNoSuchFile) {
  RunDirectory(run_).drop_health_from(0);
  EXPECT_FALSE(std::filesystem::exists(run_ / "health.jsonl"));
}

// Reading this file fails with EIO, for root as well.
TEST_F(Record, LinesThatCannotBeReadAreNotNone) {
  {
    RunDirectory run(run_);
    run.write_spec({{"scenario", "A"}});
    run.write_audit({{"schema_version", 1}});
  }
  for (const char* file : {"steps.jsonl", "events.jsonl"}) {
    std::filesystem::remove(run_ / file);
    std::filesystem::create_symlink("/proc/self/mem", run_ / file);
    for (const auto& read : {std::function<void()>([&] { read_lines(run_ / file); }),
                             std::function<void()>([&] { damaged_line(run_ / file); }),
                             std::function<void()>([&] { read_step_columns(run_ / file); })})
      expect_retryable(read, file);
  }
  const std::vector<RunRecord> runs = read_runs(run_.parent_path(), RecordFiles::kAll);
  ASSERT_EQ(runs.size(), 1U);
  ASSERT_TRUE(runs[0].damage);
  EXPECT_NE(runs[0].damage->find("steps.jsonl"), std::string::npos);
  EXPECT_NE(runs[0].damage->find("events.jsonl"), std::string::npos);
}

TEST_F(Record, AFolderThatCannotBeReadIsNotEmpty) {
  EXPECT_TRUE(read_runs(folder_.path() / "none", RecordFiles::kAll).empty());
  const auto file = folder_.write("file", "");
  expect_error([&] { read_runs(file, RecordFiles::kAll); }, ExitCode::kUsage,
               {"file", "a folder", "found a file"});
}

// Checkpoints are large: those that a killed writer had begun must not add up.
TEST_F(Record, LeftoversGoWithTheLock) {
  make_directories(run_ / "checkpoint");
  const auto left = temporary_beside(run_ / "checkpoint" / "state.safetensors");
  std::ofstream(left) << "half";
  std::ofstream(temporary_beside(run_ / "spec.json")) << "half";
  std::ofstream(run_ / "checkpoint" / "state.safetensors") << "whole";
  {
    const RunLock another(run_);
    EXPECT_THROW(RunDirectory{run_}, Error);
    EXPECT_TRUE(std::filesystem::exists(left));  // it may be at work
  }
  const RunDirectory run(run_);
  EXPECT_FALSE(std::filesystem::exists(left));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run_))
    EXPECT_FALSE(is_temporary_name(entry.path().filename().string())) << entry.path();
  EXPECT_TRUE(std::filesystem::exists(run_ / "checkpoint" / "state.safetensors"));
}

// A pipe would take lines until it is full, and then no more.
TEST_F(Record, APipeIsNoFileOfLines) {
  make_directories(run_);
  ASSERT_EQ(mkfifo((run_ / "steps.jsonl").c_str(), 0600), 0);
  expect_error([&] { RunDirectory{run_}; }, ExitCode::kUsage, {"steps.jsonl", "regular file"});
  // Whoever reads records finds nothing there, and says so of that record alone.
  EXPECT_TRUE(read_lines(run_ / "steps.jsonl").empty());
  EXPECT_TRUE(read_step_columns(run_ / "steps.jsonl").loss.empty());
  EXPECT_NE(read_run(run_).damage.value_or("").find("regular file"), std::string::npos);
}

// In the fuzzers' corpora, too: reading such a line as an object ended the process.
TEST(StepColumns, LinesThatAreNoObjectHaveNoNumbers) {
  const TemporaryFolder folder;
  const auto steps = folder.write("steps.jsonl", "[1]\n\"x\"\n{\"loss\":2,\"skipped\":true}\n");
  const StepColumns columns = read_step_columns(steps);
  ASSERT_EQ(columns.loss.size(), 3U);
  EXPECT_TRUE(std::isnan(columns.loss[0]) && std::isnan(columns.loss[1]));
  EXPECT_EQ(columns.loss[2], 2);
  EXPECT_EQ(columns.skipped, (std::vector<bool>{false, false, true}));
}

}  // namespace
}  // namespace dtbench
