// Files that appear whole or not at all.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace dtbench {

// Writes `path` through a temporary file in the same directory: write, fsync, rename, fsync of the
// directory. Readers see the old content or the new, never a part. Throws Error on failure and
// leaves no temporary file behind, nor does a signal that ends the program (base/stop_signals.h);
// what a killed process left of the same target is removed.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The same for content too large for memory: `write` is given an open file descriptor.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(int descriptor)>& write);

// A name beside `target` that nobody can foresee: a link planted there would have a file of another
// user overwritten. It begins with TARGET.tmp.PID.
std::string temporary_beside(const std::filesystem::path& target);

// Whether it is such a name; and what it was beside.
bool is_temporary_name(const std::string& name);
std::filesystem::path target_of_temporary(const std::filesystem::path& temporary);

// Removes such files and folders from `folder`, which killed processes left. For who holds the lock
// under which they are written: nobody writes them then.
void remove_leftovers(const std::filesystem::path& folder);

// A file that was not there before, open for writing; follows no link. Throws Error naming it.
int create_file(const std::filesystem::path& path);

// write(2) until everything is written. Throws Error naming `path`.
void write_all(int descriptor, const void* bytes, std::size_t size,
               const std::filesystem::path& path);

// mkdir -p. Throws Error naming the path.
void make_directories(const std::filesystem::path& path);

// rename(2). Throws Error naming `from`.
void rename_path(const std::filesystem::path& from, const std::filesystem::path& to);

// fsync of a directory, so that a rename in it is durable.
void sync_directory(const std::filesystem::path& path);

}  // namespace dtbench
