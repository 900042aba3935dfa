// The four files of one split of a store (data/store.h), written document by document, and the
// counts that baselines and meta.json need. Which split a document belongs to:
// data/joined_source.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/sha256.h"
#include "data/store.h"

namespace dtbench {

// A new file written front to back, and on disk after finish(). Throws Error naming it.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void append(const void* bytes, std::size_t size);
  // Returns the SHA-256 of what was written.
  std::string finish();

 private:
  std::filesystem::path path_;
  int descriptor_;
  Sha256 hash_;
};

class SplitWriter {
 public:
  SplitWriter(const std::filesystem::path& store, Split split, std::int64_t vocab_size);

  // `labels` are provisional numbers (data/label_indices.h).
  void add(const std::vector<std::uint16_t>& tokens, const std::vector<std::int32_t>& labels);
  // Once, after the last document: provisional numbers become indices, ascending in each document.
  void number_labels(const std::vector<std::int32_t>& index_of);
  // Adds the hash of each file, by name.
  void finish(std::map<std::string, std::string>& hashes);

  std::int64_t documents() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  const std::vector<std::int64_t>& token_counts() const { return token_counts_; }
  // Documents by label, and by single-label target (a document's lowest index); after
  // number_labels.
  const std::vector<std::int64_t>& label_counts() const { return label_counts_; }
  const std::vector<std::int64_t>& target_counts() const { return target_counts_; }

  std::int64_t dropped_empty = 0, dropped_unlabelled = 0, truncated = 0;  // the builder's to count
  Json counts() const;

 private:
  std::filesystem::path store_;
  Split split_;
  OutputFile tokens_;
  std::vector<std::uint64_t> offsets_{0}, label_offsets_{0};
  std::vector<std::int32_t> labels_;
  std::vector<std::int64_t> token_counts_, label_counts_, target_counts_;
};

}  // namespace dtbench
