#include "sweep/archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "record/run_summary.h"
#include "record/status.h"
#include "sweep/sweep_options.h"

namespace dtbench {

namespace fs = std::filesystem;

namespace {

constexpr const char* kNameFile = "name";
constexpr const char* kWaiting = "another process copies to this archive; waiting for it";

bool has_ended(const RunRecord& run) {
  const auto status = status_of(run);
  return status && *status != Status::kInterrupted && !is_running(run.path);
}

// Onto the disk, and out of memory, so that who reads it next reads the disk.
void copy_to_disk(const fs::path& from, const fs::path& to) {
  const ReadableFile in(from);
  const int out = create_file(to);
  try {
    std::array<char, 1 << 16> buffer;
    while (const std::size_t got = in.read(buffer.data(), buffer.size()))
      write_all(out, buffer.data(), got, to);
    if (fsync(out) != 0) throw system_error("Cannot write", to.string());
    posix_fadvise(out, 0, 0, POSIX_FADV_DONTNEED);
  } catch (...) {
    close(out);
    throw;
  }
  if (close(out) != 0) throw system_error("Cannot write", to.string());
}

// As sha256sum prints them.
std::string sums_of(const fs::path& folder, const std::string& id,
                    const std::vector<std::string>& names) {
  std::string lines;
  for (const std::string& name : names)
    lines += concat(sha256_file(folder / name), "  ", id, "/", name, "\n");
  return lines;
}

bool is_within(const fs::path& inner, const fs::path& outer) {
  const fs::path relative = inner.lexically_relative(outer);
  return !relative.empty() && *relative.begin() != "..";
}

void copy_if_other(const fs::path& from, const fs::path& to) {
  const auto content = read_file(from);
  if (!content || content == read_file(to)) return;
  make_directories(to.parent_path());
  write_file_atomically(to, *content);
}

void copy_all_if_other(const fs::path& from, const fs::path& to, const std::string& extension) {
  std::error_code error, gone;
  for (fs::directory_iterator entry(from, error), end; !error && entry != end;
       entry.increment(error))
    if (fs::is_regular_file(entry->symlink_status(gone)) &&
        (extension.empty() || entry->path().extension() == extension) &&
        !is_temporary_name(entry->path().filename().string()))
      copy_if_other(entry->path(), to / entry->path().filename());
}

}  // namespace

Archive::Archive(fs::path source, fs::path target)
    : source_(std::move(source)), target_(std::move(target)), own_(target_ / ".archive") {
  const fs::path from = fs::weakly_canonical(source_), to = fs::weakly_canonical(target_);
  if (is_within(from, to) || is_within(to, from))
    throw usage_error(concat("--to must be apart from the records in '", source_.string(),
                             "', got '", target_.string(), "'."),
                      "Name a folder on another disk.");
  make_directories(own_);
  const FileLock alone(lock_file(), kWaiting);  // one name, whoever comes first
  if (!fs::exists(own_ / kNameFile)) write_file_atomically(own_ / kNameFile, new_session());
  name_ = read_file(own_ / kNameFile).value_or("");
}

ArchiveCount Archive::copy() {
  require_target();
  try {
    return copy_all();
  } catch (const Error&) {
    require_target();  // what failed for want of it has this reason
    throw;
  }
}

ArchiveCount Archive::copy_all() {
  const FileLock alone(lock_file(), kWaiting);
  remove_leftovers(own_);
  ArchiveCount count;
  for (const RunRecord& run : read_runs(source_, RecordFiles::kSpecAndResult)) {
    const Result result = has_ended(run) ? archive(run.path) : Result::kChanged;
    count.copied += result == Result::kCopied ? 1 : 0;
    count.there += result == Result::kThere ? 1 : 0;
    count.unfinished += result == Result::kChanged ? 1 : 0;
  }
  copy_the_rest();
  return count;
}

// Without what only training needs. Links are not followed.
Archive::Files Archive::files_of(const fs::path& run) {
  Files files;
  std::error_code error, gone;
  for (fs::recursive_directory_iterator entry(run, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().lexically_relative(run).generic_string();
    if (name == "checkpoint") entry.disable_recursion_pending();
    if (!fs::is_regular_file(entry->symlink_status(gone)) || name == "lock" ||
        is_temporary_name(entry->path().filename().string()))
      continue;
    files.push_back({name, entry->file_size(gone), entry->last_write_time(gone)});
  }
  if (error) throw unreadable(run, error);
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.name < b.name; });
  return files;
}

Archive::Result Archive::archive(const fs::path& run) {
  const std::string id = run.lexically_relative(source_).generic_string();
  std::optional<Files> files;
  try {
    files = files_of(run);
    if (const auto known = known_.find(id); known != known_.end() && known->second == *files)
      return Result::kThere;
    const Result result = copy_if_new(run, id, *files);
    if (result != Result::kChanged) known_[id] = *files;
    return result;
  } catch (const Error&) {
    std::error_code
        gone;  // of a file that was moved or removed meanwhile, there is no copy to be had
    if (!fs::exists(run, gone) || !files || files_of(run) != *files) return Result::kChanged;
    throw;
  }
}

Archive::Result Archive::copy_if_new(const fs::path& run, const std::string& id,
                                     const Files& files) {
  std::vector<std::string> names;
  for (const File& file : files)
    names.push_back(file.name);
  const std::string sums = sums_of(run, id, names);
  require_target();
  if (is_there(id, files, sums)) return Result::kThere;
  const fs::path copy = temporary_beside(own_ / "copy");
  for (const std::string& name : names) {
    make_directories((copy / name).parent_path());
    copy_to_disk(run / name, copy / name);
  }
  const bool same = sums_of(copy, id, names) == sums;
  if (is_running(run) || files_of(run) != files) return Result::kChanged;  // the copy is a leftover
  if (!same)
    throw Error(ExitCode::kRetryable,
                concat("The copy of '", run.string(), "' in '", target_.string(),
                       "' does not read back as it was written."),
                "Check that disk, then try again.");
  put_in_place(copy, id);
  make_directories(sums_file(id).parent_path());
  write_file_atomically(sums_file(id), sums);
  return Result::kCopied;
}

bool Archive::is_there(const std::string& id, const Files& files, const std::string& sums) const {
  std::error_code error;
  return read_file(sums_file(id)) == sums &&
         std::all_of(files.begin(), files.end(), [&](const File& file) {
           return fs::file_size(target_ / id / file.name, error) == file.bytes && !error;
         });
}

void Archive::put_in_place(const fs::path& copy, const std::string& id) const {
  const fs::path place = target_ / id, old = temporary_beside(own_ / "old");
  if (fs::exists(place)) {
    if (read_file(place / "result.json") == read_file(copy / "result.json"))
      rename_path(place, old);  // the same result, with a file more
    else
      set_aside(place);
  }
  make_directories(place.parent_path());
  rename_path(copy, place);
  sync_directory(place.parent_path());
  std::error_code error;
  fs::remove_all(old, error);
}

// What records do not hold. Leases are of this machine's processes.
void Archive::copy_the_rest() const {
  const fs::path from = sweep_folder(source_), to = sweep_folder(target_);
  copy_all_if_other(source_, target_, ".html");
  copy_all_if_other(from, to, ".json");
  copy_all_if_other(from / "cells", to / "cells", ".json");
  copy_all_if_other(from / "ledger", to / "ledger", "");
}

void Archive::require_target() const {
  std::error_code error;
  if (fs::exists(own_ / kNameFile, error) && read_file(own_ / kNameFile) == name_) return;
  throw Error(ExitCode::kRetryable,
              concat("The archive '", target_.string(), "' has gone, or another is in its place."),
              "Check that its disk is mounted, then try again.");
}

fs::path Archive::lock_file() const {
  return own_ / "lock";
}

fs::path Archive::sums_file(const std::string& id) const {
  return own_ / (id + ".sha256");
}

}  // namespace dtbench
