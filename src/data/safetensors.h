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
  const std::byte* data;            // little-endian, row-major; may lie at any address, and may be
                                    // null when bytes is 0
  std::size_t bytes;
};

// A file mapped read-only. The constructor checks everything before any tensor is handed out:
// header within the file and at most 16 MiB, valid JSON object without duplicate names, known
// datatypes, offsets within the file, byte length = product of shape x item size (no overflow),
// neither overlap nor hole. Throws Error (usage) naming file, tensor, expected and found.
// Never more lenient than the Python package, and stricter on names given twice and unknown fields.
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

// Writes atomically (base/atomic_file.h) the bytes that the Python package 0.8.0 writes: tensors
// sorted by datatype (its own order, 8-byte items first), then name; header padded with spaces to
// 8 bytes. Metadata keys are sorted (the package's order is random); empty metadata is left out.
// Throws Error: usage when a view's bytes do not fit its dtype and shape, a name is
// "__metadata__", text is not UTF-8 or the header exceeds 16 MiB; else as files fail.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace dtbench
