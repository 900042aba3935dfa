#include "data/byte_level_bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <queue>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/utf8.h"
#include "data/pretokenize.h"

namespace dtbench {
namespace {

constexpr std::size_t kMaxVocab = 65536;
constexpr std::size_t kShortPiece = 48;  // up to here a scan for the best merge beats a heap

const char* const kVocabHint = "Use vocab.json and merges.txt of the same model, unchanged.";

}  // namespace

ByteLevelBpe::ByteLevelBpe(const std::filesystem::path& vocab,
                           const std::filesystem::path& merges) {
  set_vocabulary(read_json_file(vocab), concat("Vocabulary '", vocab.string(), "'"));
  read_merges(merges);
}

ByteLevelBpe::ByteLevelBpe(const TokenizerJson& file) {
  const std::string origin = concat("Tokenizer '", file.path.string(), "'");
  set_vocabulary(file.vocabulary, origin);
  for (const auto& [left, right] : file.merges)
    add_merge(left, right, [&](const std::string& message) {
      return usage_error(concat(origin, " merge ", merge_count_ + 1, ": ", message), kVocabHint);
    });
  require_complete_merges(origin, file.special_tokens);
}

ByteLevelBpe ByteLevelBpe::open(const TokenizerFiles& files) {
  return files.tokenizer_json.empty() ? ByteLevelBpe(files.vocab, files.merges)
                                      : ByteLevelBpe(read_tokenizer_json(files.tokenizer_json));
}

void ByteLevelBpe::set_vocabulary(const Json& json, const std::string& origin) {
  const auto fail = [&](const std::string& message) {
    return usage_error(concat(origin, ": ", message), kVocabHint);
  };
  if (!json.is_object())
    throw fail(concat("expected an object of token: id, found ", json.type_name(), "."));
  if (json.size() > kMaxVocab)
    throw fail(concat("expected at most 65,536 tokens (a store's ids have 16 bits), found ",
                      json.size(), "."));
  std::vector<const std::string*> token_of(json.size(), nullptr);
  for (const auto& [token, id] : json.items()) {
    const bool in_range = id.is_number_unsigned() && id.get<std::uint64_t>() < json.size();
    if (!in_range)
      throw fail(concat("entry ", Json(token).dump(), ": expected an id in 0..", json.size() - 1,
                        " (ids of the ", json.size(), " tokens without gaps), found ", id.dump(),
                        "."));
    const auto index = id.get<std::size_t>();
    const auto [entry, inserted] = ids_.emplace(token, static_cast<std::uint16_t>(index));
    if (token_of[index] != nullptr)
      throw fail(concat("entry ", Json(token).dump(), ": expected a unique id, found ", index,
                        ", which is also that of ", Json(*token_of[index]).dump(), "."));
    token_of[index] = &entry->first;
  }
  for (const std::string* token : token_of)
    tokens_.push_back(*token);
  detokenizer_ = Detokenizer(tokens_);
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string token;
    append_utf8(token, byte_characters().at(byte));
    const auto id = token_id(token);
    if (!id)
      throw fail(concat("expected a token for each of the 256 bytes, found none for byte ", byte,
                        " (", Json(token).dump(), ")."));
    byte_ids_.at(byte) = *id;
  }
  merges_.resize(std::bit_ceil(2 * tokens_.size() + 2));
  mask_ = merges_.size() - 1;
}

void ByteLevelBpe::add_merge(const std::string& left, const std::string& right, const Fail& fail) {
  for (const std::string& token : {left, right, left + right})
    if (!ids_.contains(token))
      throw fail(concat("expected '", left, "', '", right, "' and '", left + right,
                        "' in the vocabulary, found no '", token, "'."));
  Merge& merge = merges_[locate(ids_.at(left), ids_.at(right))];
  if (merge.rank != kNoMerge)
    throw fail(concat("expected each merge once, found '", left, " ", right, "' again."));
  // Keeps the table half empty, even for a list with many ways to one result.
  if (merge_count_ + std::size_t{256} >= tokens_.size())
    throw fail(concat("expected at most ", tokens_.size() - 256, " merges (a vocabulary of ",
                      tokens_.size(), " less the 256 bytes), found more."));
  merge = {ids_.at(left), ids_.at(right), merge_count_++, ids_.at(left + right)};
}

void ByteLevelBpe::read_merges(const std::filesystem::path& path) {
  std::optional<std::string> text = read_file(path);
  if (!text) throw not_there(path, "a file");
  require_no_lfs_pointer(*text, path.string());
  std::istringstream in(std::move(*text));
  std::size_t number = 0;
  const auto fail = [&](const std::string& message) {
    return usage_error(concat("Merges '", path.string(), "' line ", number, ": ", message),
                       kVocabHint);
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (number == 1 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);  // a byte order mark
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() && in.peek() == std::istringstream::traits_type::eof()) break;  // at the end
    if (number == 1 && line.starts_with("#version")) continue;
    const auto merge = split_merge(line);
    if (!merge)
      throw fail(
          concat("expected two tokens separated by one space, found '", shortened(line, 80), "'."));
    add_merge(merge->first, merge->second, fail);
  }
  require_complete_merges(concat("Merges '", path.string(), "'"), {});
}

// Every token of several bytes comes from a merge, but for special ones: <|endoftext|>, <s>, and
// the madeupword0000 with which RoBERTa's vocabulary is filled up. A file cut short at a line's end
// shows in nothing else.
void ByteLevelBpe::require_complete_merges(const std::string& origin,
                                           const std::vector<std::string>& special_tokens) const {
  std::vector<bool> produced(tokens_.size());
  for (const Merge& merge : merges_)
    if (merge.rank != kNoMerge) produced[merge.result] = true;
  for (const std::string& token : special_tokens)
    produced[ids_.at(token)] = true;
  std::size_t missing = 0;
  std::string example;
  for (const auto& [token, id] : ids_) {
    const bool special =
        (token.starts_with('<') && token.ends_with('>')) || token.starts_with("madeupword");
    if (produced[id] || special || detokenizer_.bytes(id).size() < 2) continue;
    if (missing++ == 0 || token < example) example = token;
  }
  if (missing > 0)
    throw usage_error(
        concat(origin, ": expected a merge for every token of several bytes, found ", "none for ",
               missing, " of them, such as '", example, "'. The file may be cut short."),
        kVocabHint);
}

std::size_t ByteLevelBpe::locate(std::uint16_t left, std::uint16_t right) const {
  // Fibonacci hashing (Knuth, volume 3, section 6.4) spreads neighbouring pairs.
  const std::uint64_t pair = std::uint64_t{left} << 16 | right;
  std::size_t i = (pair * 0x9E3779B97F4A7C15u >> 40) & mask_;
  while (merges_[i].rank != kNoMerge && (merges_[i].left != left || merges_[i].right != right))
    i = (i + 1) & mask_;
  return i;
}

std::optional<std::uint16_t> ByteLevelBpe::token_id(const std::string& token) const {
  const auto id = ids_.find(token);
  if (id == ids_.end()) return std::nullopt;
  return id->second;
}

void ByteLevelBpe::encode_piece(std::string_view piece, std::vector<std::uint16_t>& ids) const {
  const std::size_t begin = ids.size();
  for (const char byte : piece)
    ids.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
  if (piece.size() <= kShortPiece) {
    merge_short(ids, begin);
  } else {
    merge_long(ids, begin);
  }
}

void ByteLevelBpe::merge_short(std::vector<std::uint16_t>& ids, std::size_t begin) const {
  std::uint16_t* symbols = ids.data() + begin;
  std::size_t size = ids.size() - begin;
  std::array<std::uint16_t, kShortPiece> ranks;  // of (symbols[i], symbols[i + 1])
  const auto rank_at = [&](std::size_t i) {
    return merges_[locate(symbols[i], symbols[i + 1])].rank;
  };
  for (std::size_t i = 0; i + 1 < size; ++i)
    ranks[i] = rank_at(i);
  while (size > 1) {
    const auto best = static_cast<std::size_t>(
        std::min_element(ranks.begin(), ranks.begin() + size - 1) - ranks.begin());
    if (ranks[best] == kNoMerge) break;
    symbols[best] = merges_[locate(symbols[best], symbols[best + 1])].result;
    std::copy(symbols + best + 2, symbols + size, symbols + best + 1);
    std::copy(ranks.begin() + best + 1, ranks.begin() + size - 1, ranks.begin() + best);
    --size;
    if (best > 0) ranks[best - 1] = rank_at(best - 1);
    if (best + 1 < size) ranks[best] = rank_at(best);
  }
  ids.resize(begin + size);
}

void ByteLevelBpe::merge_long(std::vector<std::uint16_t>& ids, std::size_t begin) const {
  // A doubly linked list of symbols and a heap of candidate merges. A candidate is stale when the
  // pair at its place has changed since.
  // Places of 32 bits: these two are what takes most memory of a preparation.
  struct Symbol {
    std::uint16_t id;
    bool alive;
    std::uint32_t previous, next;
  };
  struct Candidate {
    std::uint16_t rank;
    std::uint32_t place;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : place > other.place;
    }
  };
  const auto size = static_cast<std::uint32_t>(ids.size() - begin);
  std::vector<Symbol> symbols(size);
  for (std::uint32_t i = 0; i < size; ++i)
    symbols[i] = {ids[begin + i], true, i - 1, i + 1};
  std::vector<Candidate> room;
  room.reserve(size);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates(
      std::greater<>(), std::move(room));
  const auto merge_at = [&](std::uint32_t i) -> const Merge& {
    return merges_[locate(symbols[i].id, symbols[symbols[i].next].id)];
  };
  const auto propose = [&](std::uint32_t i) {
    if (symbols[i].next >= size) return;
    if (const Merge& merge = merge_at(i); merge.rank != kNoMerge) candidates.push({merge.rank, i});
  };
  for (std::uint32_t i = 0; i < size; ++i)
    propose(i);
  while (!candidates.empty()) {
    const Candidate candidate = candidates.top();
    candidates.pop();
    Symbol& left = symbols[candidate.place];
    if (!left.alive || left.next >= size) continue;
    const Merge& merge = merge_at(candidate.place);
    if (merge.rank != candidate.rank) continue;
    Symbol& right = symbols[left.next];
    left.id = merge.result;
    right.alive = false;
    left.next = right.next;
    if (right.next < size) symbols[right.next].previous = candidate.place;
    propose(candidate.place);
    if (candidate.place > 0) propose(left.previous);
  }
  ids.resize(begin);
  for (std::uint32_t i = 0; i < size; i = symbols[i].next)
    ids.push_back(symbols[i].id);
}

BpeEncoder::BpeEncoder(const ByteLevelBpe& bpe) : bpe_(bpe), cache_(kCachedPieces) {}

void BpeEncoder::encode(std::string_view text, std::vector<std::uint16_t>& ids) {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  while (!text.empty()) {
    const std::size_t length = next_piece(text);
    encode_piece(text.substr(0, length), ids);
    text.remove_prefix(length);
  }
}

void BpeEncoder::encode_piece(std::string_view piece, std::vector<std::uint16_t>& ids) {
  static_assert(sizeof(CachedPiece) == 64);
  if (piece.size() > CachedPiece{}.bytes.size()) {
    bpe_.encode_piece(piece, ids);
    return;
  }
  CachedPiece& cached = cache_[std::hash<std::string_view>{}(piece) % kCachedPieces];
  if (cached.length == piece.size() &&
      std::memcmp(cached.bytes.data(), piece.data(), piece.size()) == 0) {
    ids.insert(ids.end(), cached.ids.begin(), cached.ids.begin() + cached.count);
    return;
  }
  const std::size_t begin = ids.size();
  bpe_.encode_piece(piece, ids);
  const std::size_t count = ids.size() - begin;
  if (count > cached.ids.size()) return;
  cached.length = static_cast<std::uint8_t>(piece.size());
  cached.count = static_cast<std::uint8_t>(count);
  std::copy(piece.begin(), piece.end(), cached.bytes.begin());
  std::copy(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end(), cached.ids.begin());
}

std::string tokenizer_fingerprint(const TokenizerFiles& files) {
  const Json content =
      files.tokenizer_json.empty()
          ? Json{{"merges", sha256_file(files.merges)}, {"vocab", sha256_file(files.vocab)}}
          : Json{{"tokenizer", sha256_file(files.tokenizer_json)}};
  return sha256_hex(canonical_json(content));
}

}  // namespace dtbench
