// Whole files. What cannot be read is never taken for empty.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace dtbench {

inline constexpr std::uint64_t kLongestFile = std::uint64_t{1} << 30;

// The content; nothing where there is no such file. Throws Error: retryable (3) when it is there
// and cannot be read; usage (2) for what is no regular file (a pipe would be waited for without
// end) or has more than `most` bytes.
std::optional<std::string> read_file(const std::filesystem::path& path,
                                     std::uint64_t most = kLongestFile);

// A file or folder that is there and cannot be read: retryable (3), since another try may succeed
// (the permission is given, the disk comes back); permanent (4) for a file in the place of a
// folder, which stays one.
Error unreadable(const std::filesystem::path& path, const std::error_code& reason);

// Git LFS leaves a pointer of some 130 bytes in place of a file that was not fetched
// (github.com/git-lfs/git-lfs, docs/spec.md). Whether a file that begins so is one.
bool is_lfs_pointer(std::string_view beginning);
void require_no_lfs_pointer(std::string_view beginning, const std::string& name);  // Error (usage)
void require_no_lfs_pointer(const std::filesystem::path& path);  // a file that is there

}  // namespace dtbench
