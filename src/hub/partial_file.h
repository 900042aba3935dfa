// A download under way: `blob`.incomplete, written from where it ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "hub/transfer.h"

namespace dtbench {

class PartialFile : public BodySink {
 public:
  // Opens what is there, or makes it. `size`: of the whole; where more is there, it begins anew.
  PartialFile(const std::filesystem::path& blob, std::int64_t size);
  ~PartialFile() override;
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::int64_t end() const { return end_; }  // bytes so far
  bool complete() const { return end_ == size_; }

  // Goes on at the end after a reply with 206 and that place, from the start after any other.
  void begin(const HttpResponse& head) override;
  // Throws Error when it cannot be written, TransferFailure for more bytes than the whole has.
  void write(std::string_view bytes) override;

  // Leaves what is there to others, if any, and begins with an empty file.
  void start_over();

  // Durable, then under its final name.
  void rename_to_blob();

  const std::filesystem::path& path() const { return path_; }

  std::function<void(std::int64_t end)> on_progress;

 private:
  void open_file();
  void require_space() const;

  std::filesystem::path blob_, path_;
  std::int64_t size_;
  int descriptor_ = -1;
  std::int64_t end_ = 0;
};

}  // namespace dtbench
