#include "data/store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "base/error.h"
#include "base/text.h"
#include "base/whole_number.h"
#include "data/mapped_file.h"
#include "data/store_files.h"

namespace dtbench {
namespace {

static_assert(std::endian::native == std::endian::little, "stores are little-endian");

const char* const kHint = "Remove the folder and prepare the data again.";

// One split's four files, checked against each other and against the counts of meta.json.
struct MappedSplit {
  MappedFile tokens, offsets, label_offsets, labels;

  MappedSplit(const std::filesystem::path& store, Split split, const StoreMeta& meta)
      : tokens(open(tokens_file(store, split))),
        offsets(open(offsets_file(store, split))),
        label_offsets(open(label_offsets_file(store, split))),
        labels(open(labels_file(store, split))) {
    const auto count = [&](const char* what) {
      return count_of(meta.counts.at(to_string(split)).at(what));
    };
    const std::size_t documents = count("documents");
    expect_items<std::uint16_t>(tokens, tokens_file(store, split), count("tokens"));
    expect_items<std::uint64_t>(offsets, offsets_file(store, split), documents + 1);
    expect_items<std::uint64_t>(label_offsets, label_offsets_file(store, split), documents + 1);
    expect_items<std::int32_t>(labels, labels_file(store, split), count("labels"));
    expect_offsets(offsets, offsets_file(store, split), count("tokens"));
    expect_offsets(label_offsets, label_offsets_file(store, split), count("labels"));
    for (const std::int32_t label : labels.as<std::int32_t>())
      if (label < 0 || static_cast<std::size_t>(label) >= meta.labels.size())
        throw usage_error(
            concat("Store file '", labels_file(store, split).string(),
                   "': expected label indices below ", meta.labels.size(), ", found ", label, "."),
            kHint);
  }

  static MappedFile open(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path))
      throw usage_error(concat("Store file '", path.string(), "' is missing."), kHint);
    return MappedFile(path);
  }

  // Compared by items: bytes could wrap, and 2^63 tokens take the none that are there.
  template <typename T>
  static void expect_items(const MappedFile& file, const std::filesystem::path& path,
                           std::size_t items) {
    if (file.size() % sizeof(T) == 0 && file.size() / sizeof(T) == items) return;
    throw usage_error(concat("Store file '", path.string(), "': expected ", items, " items of ",
                             sizeof(T), " bytes by its meta.json, found ", file.size(), " bytes."),
                      kHint);
  }

  static void expect_offsets(const MappedFile& file, const std::filesystem::path& path,
                             std::size_t end) {
    const auto values = file.as<std::uint64_t>();
    if (values.front() == 0 && values.back() == end && std::is_sorted(values.begin(), values.end()))
      return;
    throw usage_error(
        concat("Store file '", path.string(), "': expected offsets ascending from 0 to ", end, "."),
        kHint);
  }

  // Item `index` of `items`, as `bounds` cut them.
  template <typename T>
  static std::span<const T> slice(const MappedFile& items, const MappedFile& bounds,
                                  std::int64_t index) {
    const auto offset = bounds.as<std::uint64_t>().subspan(static_cast<std::size_t>(index), 2);
    return items.as<T>().subspan(offset[0], offset[1] - offset[0]);
  }
};

StoreMeta read_meta(const std::filesystem::path& directory) {
  const std::filesystem::path path = meta_file(directory);
  if (!std::filesystem::exists(path))
    throw usage_error(concat("'", directory.string(), "' is not a tokenized store: expected '",
                             path.string(), "', found none."),
                      "Prepare the data with `dtbench data prepare`.");
  return store_meta_from_json(read_json_file(path), directory.string());
}

}  // namespace

struct TokenStore::Impl {
  StoreMeta meta;
  std::array<MappedSplit, 2> splits;  // by Split

  explicit Impl(const std::filesystem::path& directory)
      : meta(read_meta(directory)),
        splits{MappedSplit(directory, Split::kTrain, meta),
               MappedSplit(directory, Split::kValidation, meta)} {}

  const MappedSplit& of(Split split) const { return splits.at(static_cast<std::size_t>(split)); }
};

TokenStore::TokenStore(const std::filesystem::path& directory) {
  try {
    impl_ = std::make_unique<Impl>(directory);
  } catch (const Json::exception& error) {
    throw usage_error(concat("Store '", directory.string(),
                             "': meta.json's counts are not a store's: ", json_fault(error), "."),
                      kHint);
  }
}
TokenStore::~TokenStore() = default;
TokenStore::TokenStore(TokenStore&&) noexcept = default;

const StoreMeta& TokenStore::meta() const {
  return impl_->meta;
}

std::span<const std::uint16_t> TokenStore::tokens(Split split) const {
  return impl_->of(split).tokens.as<std::uint16_t>();
}

std::int64_t TokenStore::documents(Split split) const {
  return static_cast<std::int64_t>(impl_->of(split).offsets.as<std::uint64_t>().size()) - 1;
}

std::span<const std::uint16_t> TokenStore::document(Split split, std::int64_t index) const {
  const MappedSplit& files = impl_->of(split);
  return MappedSplit::slice<std::uint16_t>(files.tokens, files.offsets, index);
}

std::span<const std::int32_t> TokenStore::labels(Split split, std::int64_t index) const {
  const MappedSplit& files = impl_->of(split);
  return MappedSplit::slice<std::int32_t>(files.labels, files.label_offsets, index);
}

}  // namespace dtbench
