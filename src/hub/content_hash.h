// The hashes by which the Hub names content: SHA-256 for large files (Git LFS, Xet), and git's
// object id for the others, the SHA-1 of "blob SIZE\0" and the content.
#pragma once

#include <filesystem>
#include <string>

namespace dtbench {

// 40 or 64 lower-case hexadecimal digits.
bool is_content_hash(const std::string& name);
bool is_sha256(const std::string& name);  // 64 of them

// The hash of the file's content of the kind that `like` is. Throws Error when it cannot be read.
std::string content_hash(const std::filesystem::path& file, const std::string& like);

}  // namespace dtbench
