// The store's file names, format version and meta.json, shared by its writer and its reader.
#pragma once

#include <filesystem>
#include <string>

#include "data/store.h"

namespace dtbench {

// Raised whenever the same input gives other bytes or another layout; a part of the fingerprint.
inline constexpr int kStoreVersion = 3;

std::filesystem::path tokens_file(const std::filesystem::path& store, Split split);
std::filesystem::path offsets_file(const std::filesystem::path& store, Split split);
std::filesystem::path label_offsets_file(const std::filesystem::path& store, Split split);
std::filesystem::path labels_file(const std::filesystem::path& store, Split split);
std::filesystem::path vocabulary_file(const std::filesystem::path& store);
std::filesystem::path meta_file(const std::filesystem::path& store);

// With "checksum", the SHA-256 of the rest's canonical text, which only verifying looks at.
Json to_json(const StoreMeta& meta);
std::string meta_checksum(Json json);
// Throws Error (usage) naming `origin` and the field that is missing or of the wrong type.
StoreMeta store_meta_from_json(const Json& json, const std::string& origin);

}  // namespace dtbench
