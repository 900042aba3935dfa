#include "data/split_writer.h"

#include <unistd.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/store_files.h"

namespace dtbench {
namespace {

template <typename T>
std::string write_array(const std::filesystem::path& path, const std::vector<T>& values) {
  OutputFile file(path);
  file.append(values.data(), values.size() * sizeof(T));
  return file.finish();
}

}  // namespace

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(create_file(path_)) {}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void OutputFile::append(const void* bytes, std::size_t size) {
  write_all(descriptor_, bytes, size, path_);
  hash_.update(bytes, size);
}

std::string OutputFile::finish() {
  if (fsync(descriptor_) != 0) throw system_error("Cannot write", path_.string());
  const int closed = close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) throw system_error("Cannot write", path_.string());
  return hash_.hex_digest();
}

SplitWriter::SplitWriter(const std::filesystem::path& store, Split split, std::int64_t vocab_size)
    : store_(store),
      split_(split),
      tokens_(tokens_file(store, split)),
      token_counts_(static_cast<std::size_t>(vocab_size)) {}

void SplitWriter::add(const std::vector<std::uint16_t>& tokens,
                      const std::vector<std::int32_t>& labels) {
  tokens_.append(tokens.data(), tokens.size() * sizeof(std::uint16_t));
  offsets_.push_back(offsets_.back() + tokens.size());
  for (const std::uint16_t token : tokens)
    ++token_counts_[token];
  labels_.insert(labels_.end(), labels.begin(), labels.end());
  label_offsets_.push_back(labels_.size());
}

void SplitWriter::number_labels(const std::vector<std::int32_t>& index_of) {
  label_counts_.assign(index_of.size(), 0);
  target_counts_.assign(index_of.size(), 0);
  for (std::int32_t& label : labels_) {
    label = index_of[static_cast<std::size_t>(label)];
    ++label_counts_[static_cast<std::size_t>(label)];
  }
  for (std::size_t d = 0; d + 1 < label_offsets_.size(); ++d) {
    const auto begin = labels_.begin() + static_cast<std::ptrdiff_t>(label_offsets_[d]);
    const auto end = labels_.begin() + static_cast<std::ptrdiff_t>(label_offsets_[d + 1]);
    std::sort(begin, end);
    if (begin != end) ++target_counts_[static_cast<std::size_t>(*begin)];
  }
}

void SplitWriter::finish(std::map<std::string, std::string>& hashes) {
  const auto add_hash = [&](const std::filesystem::path& path, const std::string& hash) {
    hashes[path.filename().string()] = hash;
  };
  const auto write = [&](const std::filesystem::path& path, const auto& values) {
    add_hash(path, write_array(path, values));
  };
  add_hash(tokens_file(store_, split_), tokens_.finish());
  write(offsets_file(store_, split_), offsets_);
  write(label_offsets_file(store_, split_), label_offsets_);
  write(labels_file(store_, split_), labels_);
}

Json SplitWriter::counts() const {
  return {{"documents", documents()},
          {"tokens", offsets_.back()},
          {"labels", labels_.size()},
          {"dropped_empty", dropped_empty},
          {"dropped_unlabelled", dropped_unlabelled},
          {"truncated", truncated}};
}

}  // namespace dtbench
