// safetensors files (format of github.com/huggingface/safetensors, README "Format"): an 8-byte
// little-endian header length, a JSON header, then the tensors' bytes without gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dtbench {

struct TensorView {
  std::string dtype;                // "F64", "F32", "F16", "BF16", "I64", "U8", ...
  std::vector<std::int64_t> shape;  // empty for a scalar
  const std::byte* data;            // mapped read-only, little-endian, row-major
  std::size_t bytes;
};

// A file mapped read-only. The constructor checks everything before any tensor is handed out:
// header within the file and at most 16 MiB, valid JSON object without duplicate names, known
// datatypes, offsets within the file, byte length = product of shape x item size (no overflow),
// neither overlap nor hole. Throws Error (usage) naming file, tensor, expected and found.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;

  const std::map<std::string, TensorView>& tensors() const;
  const std::map<std::string, std::string>& metadata() const;  // "__metadata__"
  const std::filesystem::path& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes atomically (base/atomic_file.h), tensors sorted as the reference writer does (by datatype
// alignment descending, then name), header padded with spaces to 8 bytes.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace dtbench
