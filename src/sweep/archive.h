// Copies of the records of a folder in another one, which may be on a disk that comes and goes:
// `dtbench archive`.
//
//   <target>/<cell id>/              as <source>/<cell id>/, whole or not there
//   <target>/.archive/<cell id>.sha256   its files, for sha256sum --check
//   <target>/.sweep/, <target>/*.html    the account of device time, summaries, reports
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace dtbench {

struct ArchiveCount {
  std::size_t copied = 0, there = 0;
  std::size_t unfinished = 0;  // running, interrupted, or changed while they were read
};

class Archive {
 public:
  // Begins `target`, or goes on with it. Throws Error (usage) where one folder holds the other.
  Archive(std::filesystem::path source, std::filesystem::path target);

  // Copies the records that have ended and are not there as they are now. One that is there with
  // another result is moved aside, as set_aside() does. Each copy is read back and compared. One
  // process at a time does so. Throws Error (retryable) where the target is full or has gone.
  ArchiveCount copy();

 private:
  struct File {
    std::string name;  // in the record
    std::uintmax_t bytes;
    std::filesystem::file_time_type changed;
    bool operator==(const File&) const = default;
  };
  using Files = std::vector<File>;
  enum class Result { kCopied, kThere, kChanged };

  ArchiveCount copy_all();
  static Files files_of(const std::filesystem::path& run);
  Result archive(const std::filesystem::path& run);
  Result copy_if_new(const std::filesystem::path& run, const std::string& id, const Files& files);
  bool is_there(const std::string& id, const Files& files, const std::string& sums) const;
  void put_in_place(const std::filesystem::path& copy, const std::string& id) const;
  void copy_the_rest() const;
  void require_target() const;
  std::filesystem::path lock_file() const;
  std::filesystem::path sums_file(const std::string& id) const;

  std::filesystem::path source_, target_, own_;
  std::string name_;                    // of this archive: another may be mounted in its place
  std::map<std::string, Files> known_;  // of records that are there as they were then
};

}  // namespace dtbench
