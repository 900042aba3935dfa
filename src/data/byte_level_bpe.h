// GPT-2's tokenizer: byte-level byte-pair encoding (Radford et al. 2019; Sennrich et al. 2016,
// arXiv 1508.07909) from vocab.json and merges.txt, or from tokenizer.json. Equal, token by token,
// to Hugging Face tokenizers' BPE with ByteLevel(add_prefix_space=False). Text is ordinary text
// throughout: "<|endoftext|>" in a document is made of merges like any other, never the special
// token.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "data/byte_level.h"
#include "data/tokenizer_json.h"

namespace dtbench {

class ByteLevelBpe {
 public:
  // Throws Error naming file, line or entry, what was expected and what came: a file that cannot be
  // read (permanent); and (usage) a malformed file, ids that are not 0..n-1, more than 65,536
  // tokens (a store's ids are 16 bits), a byte without a token, a merge that is malformed, repeated
  // or not in the vocabulary.
  ByteLevelBpe(const std::filesystem::path& vocab, const std::filesystem::path& merges);
  explicit ByteLevelBpe(const TokenizerJson& file);
  static ByteLevelBpe open(const TokenizerFiles& files);

  std::int64_t vocab_size() const { return static_cast<std::int64_t>(tokens_.size()); }
  const std::vector<std::string>& tokens() const { return tokens_; }  // by id, as spelled
  // The id of a token as the vocabulary spells it.
  std::optional<std::uint16_t> token_id(const std::string& token) const;

  // Appends the ids of one pre-tokenized piece (data/pretokenize.h): merges of the lowest rank
  // first, the leftmost of equals. Time is O(n log n) in the piece's bytes.
  void encode_piece(std::string_view piece, std::vector<std::uint16_t>& ids) const;

  // The text of `ids`; ill-formed UTF-8 becomes U+FFFD. Throws Error (usage) for an id out of
  // range.
  std::string decode(std::span<const std::uint16_t> ids) const { return detokenizer_.decode(ids); }

 private:
  // Merges by pair of ids, in a table with open addressing.
  struct Merge {
    std::uint16_t left = 0, right = 0;
    std::uint16_t rank = kNoMerge;
    std::uint16_t result = 0;
  };
  static constexpr std::uint16_t kNoMerge = 0xFFFF;  // at most 65,280 merges: 256 ids are bytes

  using Fail = std::function<Error(const std::string& message)>;

  void set_vocabulary(const Json& json, const std::string& origin);
  void read_merges(const std::filesystem::path& path);
  // The next merge in order of rank.
  void add_merge(const std::string& left, const std::string& right, const Fail& fail);
  void require_complete_merges(const std::string& origin,
                               const std::vector<std::string>& special_tokens) const;
  // Where the merge of two tokens stands in the table, or the free place where it would.
  std::size_t locate(std::uint16_t left, std::uint16_t right) const;
  void merge_short(std::vector<std::uint16_t>& ids, std::size_t begin) const;
  void merge_long(std::vector<std::uint16_t>& ids, std::size_t begin) const;

  std::unordered_map<std::string, std::uint16_t> ids_;
  std::vector<std::string> tokens_;  // by id, as spelled
  Detokenizer detokenizer_;
  std::array<std::uint16_t, 256> byte_ids_{};  // the id of each single byte
  std::vector<Merge> merges_;                  // size is a power of two
  std::size_t mask_ = 0;
  std::uint16_t merge_count_ = 0;
};

// Encodes documents with a cache of frequent pieces. One per thread.
class BpeEncoder {
 public:
  explicit BpeEncoder(const ByteLevelBpe& bpe);
  // Appends the ids of `text`; ill-formed UTF-8 is repaired first (base/utf8.h).
  void encode(std::string_view text, std::vector<std::uint16_t>& ids);

 private:
  // One cache line: a piece and its ids. A newer piece takes the place of an older one.
  struct CachedPiece {
    std::uint8_t length = 0, count = 0;
    std::array<char, 30> bytes{};
    std::array<std::uint16_t, 16> ids{};
  };
  static constexpr std::size_t kCachedPieces = std::size_t{1} << 15;  // 2 MiB

  void encode_piece(std::string_view piece, std::vector<std::uint16_t>& ids);

  const ByteLevelBpe& bpe_;
  std::vector<CachedPiece> cache_;
};

// SHA-256 that identifies a tokenizer by the content of its files.
std::string tokenizer_fingerprint(const TokenizerFiles& files);

}  // namespace dtbench
