#include "data/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/read_file.h"
#include "base/text.h"
#include "config/weights_path.h"
#include "data/mapped_file.h"

namespace dtbench {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are mapped as they are stored");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 16u << 20;
constexpr std::size_t kMostTensors = 65'536;
constexpr std::size_t kMostValues = std::size_t{32} * kMostTensors;  // of some 8 for each tensor
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kDamagedHint =
    "The file is damaged or was not written as safetensors: download or write it again.";

struct Datatype {
  std::string_view name;
  std::size_t item_bytes;
};

// In the order in which the reference writer lays tensors out.
constexpr std::array kDatatypes = {
    Datatype{"U64", 8},     Datatype{"I64", 8},     Datatype{"F64", 8}, Datatype{"C64", 8},
    Datatype{"F32", 4},     Datatype{"U32", 4},     Datatype{"I32", 4}, Datatype{"BF16", 2},
    Datatype{"F16", 2},     Datatype{"U16", 2},     Datatype{"I16", 2}, Datatype{"F8_E8M0", 1},
    Datatype{"F8_E4M3", 1}, Datatype{"F8_E5M2", 1}, Datatype{"I8", 1},  Datatype{"U8", 1},
    Datatype{"BOOL", 1},
};

const Datatype* find_datatype(std::string_view name) {
  const auto* found = std::find_if(kDatatypes.begin(), kDatatypes.end(),
                                   [&](const Datatype& known) { return known.name == name; });
  return found == kDatatypes.end() ? nullptr : found;
}

std::string known_datatypes() {
  std::vector<std::string> names;
  for (const Datatype& known : kDatatypes)
    names.emplace_back(known.name);
  return join(names, ", ");
}

// Names and values come from the file: shown escaped, as valid UTF-8, and not at any length.
std::string shown(const Json& value) {
  constexpr std::size_t kMost = 120;
  std::string text = json_text(value);
  if (text.size() <= kMost) return text;
  std::size_t cut = kMost;
  while ((text[cut] & 0xC0) == 0x80)
    --cut;
  return text.substr(0, cut) + "...";
}

// shape's product x item size; nothing on overflow.
std::optional<std::uint64_t> byte_length(const std::vector<std::int64_t>& shape,
                                         std::size_t item_bytes) {
  std::uint64_t product = 1;
  for (const std::int64_t extent : shape)
    if (__builtin_mul_overflow(product, static_cast<std::uint64_t>(extent), &product))
      return std::nullopt;
  if (__builtin_mul_overflow(product, std::uint64_t{item_bytes}, &product)) return std::nullopt;
  return product;
}

MappedFile map_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  // What cannot be looked at is left to the mapping, which says why.
  if (!error && !std::filesystem::is_regular_file(status))
    throw not_there(path, "a file", "", "Name the .safetensors file itself.");
  return MappedFile(path);
}

// The checks of one file, in order; each failure names the file.
class HeaderReader {
 public:
  HeaderReader(const std::filesystem::path& path, std::span<const std::byte> file)
      : path_(path), file_(file) {}

  void read(std::map<std::string, TensorView>& tensors,
            std::map<std::string, std::string>& metadata) {
    const Json header = parse(header_text());
    if (header.size() > kMostTensors)
      fail(concat("expected at most ", kMostTensors, " tensors, found ", header.size(), "."));
    for (const auto& [name, entry] : header.items()) {
      if (name == kMetadataKey)
        metadata = read_metadata(entry);
      else
        tensors.emplace(name, read_tensor(name, entry));
    }
    check_layout(tensors);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw usage_error(concat("safetensors file '", path_.string(), "': ", what), kDamagedHint);
  }
  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    fail(concat("tensor ", shown(tensor), ": ", what));
  }

  // What else weights come as, by the first bytes: read as a length they all are far too large.
  void refuse_other_formats() const {
    const std::string_view bytes(reinterpret_cast<const char*>(file_.data()), file_.size());
    require_no_lfs_pointer(bytes, path_.string());
    // The last is a pickle's protocol, of torch before 1.6.
    if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("\x80\x02"))
      throw pickle_of_torch(path_.string());
    for (const auto& [magic, name] : {std::pair{"GGUF", "GGUF"}, std::pair{"\x89HDF", "HDF5"}})
      if (bytes.starts_with(magic))
        throw usage_error(concat("'", path_.string(), "' is ", name, "; expected safetensors."),
                          "Take the model.safetensors of the same model.");
    if (bytes.starts_with('{'))
      throw usage_error(concat("'", path_.string(), "' is JSON text; expected safetensors.",
                               bytes.find("\"weight_map\"") < 1'000'000
                                   ? " It is the index of weights that are in "
                                     "several files (shards)."
                                   : ""),
                        "Name a file that ends in .safetensors, or an index as "
                        "model.safetensors.index.json.");
  }

  std::string_view header_text() {
    if (file_.size() < kLengthBytes)
      fail(concat("expected at least ", kLengthBytes, " bytes (the header's length), found ",
                  file_.size(), "."));
    std::uint64_t length = 0;
    std::memcpy(&length, file_.data(), kLengthBytes);
    const std::span<const std::byte> rest = file_.subspan(kLengthBytes);
    if (length > kMaxHeaderBytes) {
      refuse_other_formats();
      fail(concat("the header's length must be at most ", kMaxHeaderBytes, " bytes, found ", length,
                  "."));
    }
    if (length > rest.size())
      fail(concat("the header's length is ", length, " bytes, but only ", rest.size(), " follow."));
    buffer_ = rest.subspan(length);
    return {reinterpret_cast<const char*>(rest.data()), length};
  }

  Json parse(std::string_view text) const {
    // The format asks for '{' first.
    if (text.empty() || text.front() != '{') fail("the header must be a JSON object.");
    try {
      // Header, tensor, list; what nests deeper or holds more is refused before it takes memory.
      return parse_json(text, {.depth = 3, .values = kMostValues, .unique_names = true});
    } catch (const Json::parse_error& error) {
      fail(concat("the header is not valid UTF-8 JSON: ", json_fault(error), "."));
    }
  }

  std::map<std::string, std::string> read_metadata(const Json& entry) const {
    if (!entry.is_object())
      fail(concat(kMetadataKey, " must be an object of strings, found ", shown(entry), "."));
    std::map<std::string, std::string> metadata;
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string())
        fail(concat(kMetadataKey, " must hold only strings, found ", shown(value), " under ",
                    shown(key), "."));
      metadata.emplace(key, value.get<std::string>());
    }
    return metadata;
  }

  TensorView read_tensor(const std::string& name, const Json& entry) const {
    static const std::set<std::string> kFields = {"dtype", "shape", "data_offsets"};
    if (!entry.is_object())
      fail(name, concat("expected {dtype, shape, data_offsets}, found ", shown(entry), "."));
    for (const std::string& field : kFields)
      if (!entry.contains(field)) fail(name, concat("'", field, "' is missing."));
    for (const auto& [field, value] : entry.items())
      if (!kFields.contains(field)) fail(name, concat("unknown field ", shown(field), "."));

    const Datatype& datatype = read_datatype(name, entry["dtype"]);
    const std::vector<std::int64_t> shape = read_shape(name, entry["shape"]);
    const auto [begin, end] = read_offsets(name, entry["data_offsets"]);
    const std::optional<std::uint64_t> expected = byte_length(shape, datatype.item_bytes);
    if (!expected)
      fail(name, concat("the size of shape ", shown(entry["shape"]), " overflows 64 bits."));
    if (*expected != end - begin)
      fail(name, concat("shape ", shown(entry["shape"]), " of ", datatype.name, " takes ",
                        *expected, " bytes, but data_offsets span ", end - begin, "."));
    return {std::string(datatype.name), shape, buffer_.data() + begin, end - begin};
  }

  const Datatype& read_datatype(const std::string& name, const Json& value) const {
    const Datatype* datatype =
        value.is_string() ? find_datatype(value.get_ref<const std::string&>()) : nullptr;
    if (datatype == nullptr)
      fail(name,
           concat("unknown dtype ", shown(value), ", expected one of ", known_datatypes(), "."));
    return *datatype;
  }

  std::vector<std::int64_t> read_shape(const std::string& name, const Json& value) const {
    if (!value.is_array())
      fail(name, concat("shape must be a list of integers, found ", shown(value), "."));
    std::vector<std::int64_t> shape;
    for (const Json& extent : value) {
      constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
      if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > kMost)
        fail(name,
             concat("shape must hold integers from 0 to 2^63 - 1, found ", shown(extent), "."));
      shape.push_back(extent.get<std::int64_t>());
    }
    return shape;
  }

  std::pair<std::size_t, std::size_t> read_offsets(const std::string& name,
                                                   const Json& value) const {
    if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned() ||
        !value[1].is_number_unsigned())
      fail(name, concat("data_offsets must be [begin, end], two integers from 0, found ",
                        shown(value), "."));
    const auto begin = value[0].get<std::uint64_t>(), end = value[1].get<std::uint64_t>();
    if (begin > end) fail(name, concat("data_offsets ", shown(value), " end before they begin."));
    if (end > buffer_.size())
      fail(name, concat("data_offsets ", shown(value), " leave the file: ", buffer_.size(),
                        " bytes follow the header."));
    return {begin, end};
  }

  // The tensors cover the bytes after the header exactly once.
  void check_layout(const std::map<std::string, TensorView>& tensors) const {
    struct Range {
      std::size_t begin, end;
      const std::string* name;
    };
    std::vector<Range> ranges;
    for (const auto& [name, view] : tensors) {
      const auto begin = static_cast<std::size_t>(view.data - buffer_.data());
      ranges.push_back({begin, begin + view.bytes, &name});
    }
    std::sort(ranges.begin(), ranges.end(), [](const Range& left, const Range& right) {
      return std::pair(left.begin, left.end) < std::pair(right.begin, right.end);
    });
    std::size_t covered = 0;
    for (const Range& range : ranges) {
      if (range.begin < covered)
        fail(*range.name,
             concat("begins at byte ", range.begin, " and overlaps the tensor before it, ",
                    "which ends at ", covered, "."));
      if (range.begin > covered)
        fail(*range.name, concat("begins at byte ", range.begin, " and leaves a hole after byte ",
                                 covered, "."));
      covered = range.end;
    }
    if (covered != buffer_.size())
      fail(concat("the tensors take ", covered, " bytes, but ", buffer_.size(),
                  " follow the header."));
  }

  const std::filesystem::path& path_;
  std::span<const std::byte> file_;
  std::span<const std::byte> buffer_;  // what follows the header; offsets count from its start
};

using NamedTensor = std::pair<const std::string, TensorView>;

std::vector<const NamedTensor*> in_file_order(const std::map<std::string, TensorView>& tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& tensor : tensors) {
    const auto& [name, view] = tensor;
    const Datatype* datatype = find_datatype(view.dtype);
    if (datatype == nullptr || name == kMetadataKey ||
        byte_length(view.shape, datatype->item_bytes) != view.bytes)
      throw usage_error(concat("Cannot write tensor ", shown(name), " of dtype '", view.dtype,
                               "' and shape ", shown(view.shape), " with ", view.bytes,
                               " bytes: expected a name other than ", kMetadataKey,
                               ", a known dtype, and the bytes of that shape."));
    order.push_back(&tensor);
  }
  const auto place = [](const NamedTensor* tensor) {
    return std::pair(find_datatype(tensor->second.dtype), std::string_view(tensor->first));
  };
  std::sort(order.begin(), order.end(), [&](const NamedTensor* left, const NamedTensor* right) {
    return place(left) < place(right);
  });
  return order;
}

// The text is put together by hand because the order of its keys is part of the result.
std::string header_for(const std::vector<const NamedTensor*>& order,
                       const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) header += concat('"', kMetadataKey, "\":", Json(metadata).dump(), ',');
  std::size_t offset = 0;
  for (const NamedTensor* tensor : order) {
    const auto& [name, view] = *tensor;
    header += concat(Json(name).dump(), ":{\"dtype\":\"", view.dtype,
                     "\",\"shape\":", Json(view.shape).dump(), ",\"data_offsets\":[", offset, ',',
                     offset + view.bytes, "]},");
    offset += view.bytes;
  }
  if (header.back() == ',') header.pop_back();
  header += '}';
  header.append((kLengthBytes - header.size() % kLengthBytes) % kLengthBytes, ' ');
  return header;
}

}  // namespace

struct SafetensorsFile::Impl {
  explicit Impl(const std::filesystem::path& file) : path(file), mapping(map_file(file)) {
    HeaderReader(path, mapping.as<std::byte>()).read(tensors, metadata);
  }
  std::filesystem::path path;
  MappedFile mapping;
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(path)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;

const std::map<std::string, TensorView>& SafetensorsFile::tensors() const {
  return impl_->tensors;
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return impl_->metadata;
}

const std::filesystem::path& SafetensorsFile::path() const {
  return impl_->path;
}

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<const NamedTensor*> order = in_file_order(tensors);
  std::string header;
  try {
    header = header_for(order, metadata);
  } catch (const Json::exception& error) {
    throw usage_error(concat("Cannot write '", path.string(),
                             "': names and metadata must be UTF-8 (", json_fault(error), ")."));
  }
  if (header.size() > kMaxHeaderBytes)
    throw usage_error(concat("Cannot write '", path.string(), "': the header would take ",
                             header.size(), " bytes, at most ", kMaxHeaderBytes, " are allowed."),
                      "Write fewer tensors or less metadata to one file.");
  write_file_atomically(path, [&](int descriptor) {
    const std::uint64_t length = header.size();
    write_all(descriptor, &length, sizeof length, path);
    write_all(descriptor, header.data(), header.size(), path);
    for (const NamedTensor* tensor : order)
      write_all(descriptor, tensor->second.data, tensor->second.bytes, path);
  });
}

}  // namespace dtbench
