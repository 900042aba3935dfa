#include "base/read_file.h"

#include <sys/stat.h>

#include "base/json.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

constexpr const char* kPointer =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707\n"
    "size 548105171\n";

TEST(ReadFile, AMissingFileIsNothingAndAnEmptyOneIsEmpty) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_file(folder.path() / "none"), std::nullopt);
  EXPECT_EQ(read_file(folder.path() / "none" / "none"), std::nullopt);
  EXPECT_EQ(read_file(folder.write("empty", "")), "");
  EXPECT_EQ(read_file(folder.write("some", std::string("a\0b", 3))), std::string("a\0b", 3));
}

// Reading it fails with EIO whoever reads, root too.
TEST(ReadFile, WhatCannotBeReadIsAnErrorThatMayPass) {
  expect_error([] { read_file("/proc/self/mem"); }, ExitCode::kRetryable, {"/proc/self/mem"});
}

// Opening a pipe for reading would wait for a writer.
TEST(ReadFile, OnlyRegularFilesAreRead) {
  const TemporaryFolder folder;
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expect_error([&] { read_file(pipe); }, ExitCode::kUsage, {"pipe", "regular file"});
  expect_error([&] { read_file(folder.path()); }, ExitCode::kUsage, {"a folder"});
}

TEST(ReadableFile, ReadsRegularFilesAndWaitsForNoOther) {
  const TemporaryFolder folder;
  const ReadableFile file(folder.write("some", "0123456789"));
  std::string text(4, ' ');
  EXPECT_EQ(file.size(), 10U);
  EXPECT_EQ(file.read_at(8, text.data(), 4), 2U);
  EXPECT_EQ(file.read(text.data(), 4), 4U);
  EXPECT_EQ(text, "0123");
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expect_error([&] { ReadableFile{pipe}; }, ExitCode::kUsage, {"pipe", "regular file"});
  expect_error([&] { ReadableFile{folder.path()}; }, ExitCode::kUsage, {"a folder"});
  expect_error([&] { ReadableFile{folder.path() / "none"}; }, ExitCode::kUsage, {"found none"});
  expect_error([&] { ReadableFile("/proc/self/mem").read(text.data(), 1); }, ExitCode::kRetryable,
               {"/proc/self/mem"});
}

TEST(ReadFile, TheLengthIsBounded) {
  const TemporaryFolder folder;
  const auto file = folder.write("some", "0123456789");
  EXPECT_EQ(read_file(file, 10), "0123456789");
  expect_error([&] { read_file(file, 9); }, ExitCode::kUsage, {"some", "at most 9 B"});
}

TEST(ReadFile, WhatIsNotThereIsNamedWithWhatIsNear) {
  const TemporaryFolder folder;
  const auto file = folder.write("tokenizer.json", "{}");
  const auto near = folder.path() / "tokeniser.json";
  expect_error([&] { read_json_file(near); }, ExitCode::kUsage,
               {"Expected a file at '" + near.string() + "', found none",
                "Did you mean '" + file.string() + "'?"});
  expect_error([&] { require_file(near, "data.tokenizer"); }, ExitCode::kUsage,
               {"data.tokenizer: expected a file at"});
  // Nothing is near, the folder is not there, and a file is in the place of a folder.
  for (const auto& path :
       {folder.path() / "x", folder.path() / "none" / "tokenizer.json", file / "x"})
    expect_error([&] { read_json_file(path); }, ExitCode::kUsage,
                 {"found none", "Check the path."});
  expect_error([&] { require_file(folder.path()); }, ExitCode::kUsage, {"found a folder"});
  EXPECT_NO_THROW(require_file(file));
}

TEST(ReadFile, OneKindOfFaultHasOneExitCode) {
  const auto code = [](std::errc reason) {
    return unreadable("some/path", std::make_error_code(reason)).code();
  };
  EXPECT_EQ(code(std::errc::no_such_file_or_directory), ExitCode::kUsage);
  EXPECT_EQ(code(std::errc::not_a_directory), ExitCode::kUsage);
  EXPECT_EQ(code(std::errc::is_a_directory), ExitCode::kUsage);
  EXPECT_EQ(code(std::errc::permission_denied), ExitCode::kRetryable);
  EXPECT_EQ(code(std::errc::io_error), ExitCode::kRetryable);
}

TEST(ReadFile, GitLfsPointersAreNamed) {
  const TemporaryFolder folder;
  const auto file = folder.write("tokenizer.json", kPointer);
  for (const auto& read : {std::function<void()>([&] { require_no_lfs_pointer(file); }),
                           std::function<void()>([&] { read_json_file(file); })})
    expect_error(read, ExitCode::kUsage, {"tokenizer.json", "Git LFS pointer", "git lfs pull"});
  require_no_lfs_pointer(folder.write("short", "version"));
}

}  // namespace
}  // namespace dtbench
