// Bytes that can be read at any place: a local file, or one on the Hub read by ranges.
#pragma once

#include <cstdint>
#include <string>

namespace dtbench {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::int64_t size() const = 0;
  // Exactly `length` bytes from `offset`. Throws Error when they cannot be had.
  virtual std::string read(std::int64_t offset, std::int64_t length) = 0;
};

}  // namespace dtbench
