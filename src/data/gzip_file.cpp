#include "data/gzip_file.h"

#include <algorithm>
#include <array>
#include <new>

#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::uint64_t kInput = std::uint64_t{1} << 17;
constexpr int kGzipOnly = 15 + 16;  // the largest window; zlib.h, inflateInit2

}  // namespace

GzipFile::GzipFile(const std::filesystem::path& path) : file_(path) {
  std::array<unsigned char, 2> magic{};
  compressed_ = file_.read_at(0, magic.data(), magic.size()) == magic.size() &&
                magic[0] == 0x1f && magic[1] == 0x8b;
  if (!compressed_) return;
  input_.resize(std::min(file_.size(), kInput));
  if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
}

GzipFile::~GzipFile() {
  inflateEnd(&stream_);  // of a stream that never began it does nothing
}

std::size_t GzipFile::read(char* to, std::size_t most) {
  if (!compressed_) {
    const std::size_t got = file_.read(to, most);
    taken_ += got;
    return got;
  }
  stream_.next_out = reinterpret_cast<Bytef*>(to);
  stream_.avail_out = static_cast<uInt>(most);
  while (stream_.avail_out == most) {
    if (!within_) start_member();
    if (!within_) return 0;
    inflate_some();
  }
  return most - stream_.avail_out;
}

void GzipFile::start_member() {
  while (stream_.avail_in > 0 || refill()) {
    if (members_ == 0 || *stream_.next_in != 0) {
      within_ = true;
      return;
    }
    ++stream_.next_in;
    --stream_.avail_in;
  }
}

void GzipFile::inflate_some() {
  if (stream_.avail_in == 0 && !refill())
    throw GzipFault(
        "expected the end of the gzip stream, found the end of the file: it is truncated");
  const int status = inflate(&stream_, Z_NO_FLUSH);
  if (status == Z_MEM_ERROR) throw std::bad_alloc();
  if (status == Z_STREAM_END) {
    ++members_;
    within_ = false;
    inflateReset(&stream_);
    return;
  }
  if (status == Z_OK || status == Z_BUF_ERROR) return;  // of bytes or of room there is no more
  if (members_ > 0 && stream_.total_in <= 2)
    throw GzipFault("expected the end of the file or another gzip stream after a complete one, "
                    "found other bytes");
  throw GzipFault(concat("expected gzip data, found damage (",
                         stream_.msg != nullptr ? stream_.msg : "a dictionary is missing", ")"));
}

bool GzipFile::refill() {
  stream_.next_in = input_.data();
  stream_.avail_in = static_cast<uInt>(file_.read(input_.data(), input_.size()));
  taken_ += stream_.avail_in;
  return stream_.avail_in > 0;
}

double GzipFile::progress() const {
  if (file_.size() == 0) return 1;
  return std::min(1.0, static_cast<double>(taken_ - stream_.avail_in) /
                           static_cast<double>(file_.size()));
}

}  // namespace dtbench
