#include "data/store_files.h"

#include "base/text.h"

namespace dtbench {
namespace {

std::filesystem::path split_file(const std::filesystem::path& store, Split split,
                                 const char* extension) {
  return store / concat(to_string(split), extension);
}

}  // namespace

std::filesystem::path tokens_file(const std::filesystem::path& store, Split split) {
  return split_file(store, split, ".tokens");
}
std::filesystem::path offsets_file(const std::filesystem::path& store, Split split) {
  return split_file(store, split, ".offsets");
}
std::filesystem::path label_offsets_file(const std::filesystem::path& store, Split split) {
  return split_file(store, split, ".label_offsets");
}
std::filesystem::path labels_file(const std::filesystem::path& store, Split split) {
  return split_file(store, split, ".labels");
}
std::filesystem::path vocabulary_file(const std::filesystem::path& store) {
  return store / "vocabulary.json";
}
std::filesystem::path meta_file(const std::filesystem::path& store) {
  return store / "meta.json";
}

}  // namespace dtbench
