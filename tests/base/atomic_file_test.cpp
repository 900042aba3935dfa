#include "base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop_signals.h"

namespace dtbench {
namespace {

class AtomicFile : public ::testing::Test {
 protected:
  void SetUp() override { make_directories(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string content() const {
    std::ifstream in(directory_ / "file");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(directory_), {});
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / "dtbench_atomic_file_test";
};

TEST_F(AtomicFile, ReplacesContentAndLeavesNothingElse) {
  write_file_atomically(directory_ / "file", "old");
  write_file_atomically(directory_ / "file", "new");
  EXPECT_EQ(content(), "new");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFile, AFailedWriteKeepsTheOldContent) {
  write_file_atomically(directory_ / "file", "old");
  EXPECT_THROW(write_file_atomically(directory_ / "file",
                                     [&](int descriptor) {
                                       write_all(descriptor, "half", 4, "file");
                                       throw std::runtime_error("interrupted");
                                     }),
               std::runtime_error);
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(entries(), 1);
}

void put(const std::filesystem::path& file, const std::string& content) {
  std::ofstream(file) << content;
}

TEST_F(AtomicFile, WhatAKilledProcessLeftIsRemovedByTheNextWrite) {
  const pid_t writer = fork();
  if (writer == 0)
    write_file_atomically(directory_ / "file", [](int descriptor) {
      write_all(descriptor, "half", 4, "file");
      raise(SIGKILL);
    });
  waitpid(writer, nullptr, 0);
  EXPECT_EQ(entries(), 1);
  write_file_atomically(directory_ / "other", "x");
  EXPECT_EQ(entries(), 2);
  write_file_atomically(directory_ / "file", "whole");
  EXPECT_EQ(content(), "whole");
  EXPECT_EQ(entries(), 2);
}

TEST_F(AtomicFile, WhatAnotherProcessIsWritingStays) {
  write_file_atomically(directory_ / "file", [&](int descriptor) {
    write_all(descriptor, "first", 5, "file");
    write_file_atomically(directory_ / "file", "second");
    EXPECT_EQ(entries(), 2);
  });
  EXPECT_EQ(content(), "first");
}

TEST_F(AtomicFile, OnlyNamesOfTheTargetsOwnAreTaken) {
  const std::vector<std::string> others = {"file.tmp.12.xyz", "file.tmp.12.", "file2.tmp.12.ab",
                                           "other.tmp.12.ab"};
  for (const std::string& name : others)
    put(directory_ / name, "somebody's");
  put(directory_ / "file.tmp.12.ab", "");  // created a moment ago
  std::filesystem::create_symlink(directory_ / "other.tmp.12.ab", directory_ / "file.tmp.13.ab");
  put(directory_ / "file.tmp.14.ab", "left");
  write_file_atomically(directory_ / "file", "whole");
  EXPECT_EQ(entries(), 7);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "file.tmp.14.ab"));
}

TEST_F(AtomicFile, AFullDiskIsRetryable) {
  // /dev/full answers every write with ENOSPC.
  const int descriptor = open("/dev/full", O_WRONLY);
  ASSERT_GE(descriptor, 0);
  try {
    write_all(descriptor, "x", 1, "/dev/full");
    FAIL() << "writing to a full device succeeded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kRetryable);
    EXPECT_NE(std::string(error.what()).find("/dev/full"), std::string::npos);
  }
  close(descriptor);
}

TEST_F(AtomicFile, AMissingDirectoryIsNamed) {
  try {
    write_file_atomically(directory_ / "missing" / "file", "x");
    FAIL() << "writing into a missing directory succeeded";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("missing"), std::string::npos);
  }
}

// A link at a name that could be foreseen would have the file that it leads to overwritten.
TEST_F(AtomicFile, PlantedLinksAreNotFollowed) {
  write_file_atomically(directory_ / "file", "mine");
  std::filesystem::create_symlink(directory_ / "file",
                                  directory_ / ("new.tmp." + std::to_string(getpid())));
  write_file_atomically(directory_ / "new", "other");
  EXPECT_EQ(content(), "mine");
  EXPECT_NE(temporary_beside("x"), temporary_beside("x"));
  std::filesystem::create_symlink(directory_ / "file", directory_ / "link");
  EXPECT_THROW(create_file(directory_ / "link"), Error);
  EXPECT_THROW(create_file(directory_ / "file"), Error);
}

// What a killed writer left goes; what only looks like it is somebody's.
TEST_F(AtomicFile, LeftoversAreToldByTheirNames) {
  const std::filesystem::path left = temporary_beside(directory_ / "file");
  EXPECT_EQ(target_of_temporary(left), directory_ / "file");
  std::ofstream(left) << "half";
  make_directories(std::filesystem::path(temporary_beside(directory_ / "store")) / "inside");
  for (const char* other : {"file", "file.tmp", "file.tmp.12", "file.tmp.12.", "file.tmp.x.12",
                            "file.tmp.12.g", ".tmp.12.ab", "file.tmp.12.ab.txt"}) {
    EXPECT_FALSE(is_temporary_name(other)) << other;
    std::ofstream(directory_ / other) << "kept";
  }
  remove_leftovers(directory_);
  EXPECT_EQ(entries(), 8);
  remove_leftovers(directory_ / "none");
}

// A signal that ends the program waits until a file is whole.
TEST_F(AtomicFile, SignalsLeaveNothingBehind) {
  if (const pid_t child = fork(); child == 0) {
    end_on_stop_signals();
    write_file_atomically(directory_ / "file", [&](int descriptor) {
      raise(SIGTERM);
      write_all(descriptor, "whole", 5, "file");
    });
    _exit(1);
  }
  int status = 0;
  wait(&status);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(content(), "whole");
  EXPECT_EQ(entries(), 1);
}

}  // namespace
}  // namespace dtbench
