// The store's file names, shared by its writer and its reader.
#pragma once

#include <filesystem>

#include "data/store_meta.h"

namespace dtbench {

std::filesystem::path tokens_file(const std::filesystem::path& store, Split split);
std::filesystem::path offsets_file(const std::filesystem::path& store, Split split);
std::filesystem::path label_offsets_file(const std::filesystem::path& store, Split split);
std::filesystem::path labels_file(const std::filesystem::path& store, Split split);
std::filesystem::path vocabulary_file(const std::filesystem::path& store);
std::filesystem::path meta_file(const std::filesystem::path& store);

}  // namespace dtbench
