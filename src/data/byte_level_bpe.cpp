#include "data/byte_level_bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <functional>
#include <queue>

#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/pretokenize.h"
#include "data/utf8.h"

namespace dtbench {
namespace {

constexpr std::size_t kMaxVocab = 65536;
constexpr std::size_t kShortPiece = 48;  // up to here a scan for the best merge beats a heap

// GPT-2 spells every byte as a printable character: printable Latin-1 as itself, the others as
// U+0100 and following.
const std::array<char32_t, 256>& byte_characters() {
  static const std::array<char32_t, 256> characters = [] {
    std::array<char32_t, 256> table{};
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool printable =
          (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      table.at(byte) = printable ? byte : next++;
    }
    return table;
  }();
  return characters;
}

// The bytes that a token spells. A token with any other character stands for its own UTF-8.
std::string spelled_bytes(const std::string& token) {
  static const std::unordered_map<char32_t, char> bytes = [] {
    std::unordered_map<char32_t, char> map;
    for (std::size_t byte = 0; byte < 256; ++byte)
      map[byte_characters().at(byte)] = static_cast<char>(byte);
    return map;
  }();
  std::string spelled;
  for (std::size_t i = 0; i < token.size();) {
    const Utf8Character character = decode_utf8(std::string_view(token).substr(i));
    const auto byte = bytes.find(character.value);
    if (!character.valid || byte == bytes.end()) return token;
    spelled += byte->second;
    i += character.length;
  }
  return spelled;
}

const char* const kVocabHint = "Take vocab.json and merges.txt of the same model, unchanged.";

}  // namespace

ByteLevelBpe::ByteLevelBpe(const std::filesystem::path& vocab,
                           const std::filesystem::path& merges) {
  read_vocab(vocab);
  read_merges(merges);
}

void ByteLevelBpe::read_vocab(const std::filesystem::path& path) {
  const Json json = read_json_file(path);
  const auto fail = [&](const std::string& message) {
    return usage_error(concat("Vocabulary '", path.string(), "': ", message), kVocabHint);
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
      throw fail(concat("entry ", Json(token).dump(), ": expected an id of its own, found ", index,
                        ", which is also that of ", Json(*token_of[index]).dump(), "."));
    token_of[index] = &entry->first;
  }
  for (const std::string* token : token_of)
    token_bytes_.push_back(spelled_bytes(*token));
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string token;
    append_utf8(token, byte_characters().at(byte));
    const auto id = token_id(token);
    if (!id)
      throw fail(concat("expected a token for each of the 256 bytes, found none for byte ", byte,
                        " (", Json(token).dump(), ")."));
    byte_ids_.at(byte) = *id;
  }
}

void ByteLevelBpe::read_merges(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw system_error("Cannot read", path.string());
  std::size_t number = 0;
  const auto fail = [&](const std::string& message) {
    return usage_error(concat("Merges '", path.string(), "' line ", number, ": ", message),
                       kVocabHint);
  };
  merges_.resize(std::bit_ceil(2 * token_bytes_.size() + 2));
  mask_ = merges_.size() - 1;
  std::uint16_t rank = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (number == 1 && line.starts_with("#version")) continue;
    const std::size_t space = line.find(' ');
    if (space == std::string::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string::npos)
      throw fail(concat("expected two tokens separated by one space, found '", line, "'."));
    const std::string left = line.substr(0, space), right = line.substr(space + 1);
    for (const std::string& token : {left, right, left + right})
      if (!ids_.contains(token))
        throw fail(concat("expected '", left, "', '", right, "' and '", left + right,
                          "' in the vocabulary, found no '", token, "'."));
    Merge& merge = merges_[locate(ids_.at(left), ids_.at(right))];
    if (merge.rank != kNoMerge)
      throw fail(concat("expected each merge once, found '", line, "' again."));
    // Keeps the table half empty, even for a list with many ways to one result.
    if (rank + std::size_t{256} >= token_bytes_.size())
      throw fail(concat("expected at most ", token_bytes_.size() - 256, " merges (a vocabulary of ",
                        token_bytes_.size(), " less the 256 bytes), found more."));
    merge = {ids_.at(left), ids_.at(right), rank++, ids_.at(left + right)};
  }
  if (in.bad()) throw system_error("Cannot read", path.string());
  require_complete_merges(path);
}

// Every token of several bytes comes from a merge, but for special ones: <|endoftext|>, <s>, and
// the madeupword0000 with which RoBERTa's vocabulary is filled up. A file cut short at a line's end
// shows in nothing else.
void ByteLevelBpe::require_complete_merges(const std::filesystem::path& path) const {
  std::vector<bool> produced(token_bytes_.size());
  for (const Merge& merge : merges_)
    if (merge.rank != kNoMerge) produced[merge.result] = true;
  std::size_t missing = 0;
  std::string example;
  for (const auto& [token, id] : ids_) {
    const bool special =
        (token.starts_with('<') && token.ends_with('>')) || token.starts_with("madeupword");
    if (produced[id] || special || token_bytes_[id].size() < 2) continue;
    if (missing++ == 0 || token < example) example = token;
  }
  if (missing > 0)
    throw usage_error(concat("Merges '", path.string(), "': expected a merge for every token of ",
                             "several bytes, found none for ", missing, " of them, such as '",
                             example, "'. The file may be cut short."),
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
  struct Symbol {
    std::uint16_t id;
    bool alive;
    std::size_t previous, next;
  };
  struct Candidate {
    std::uint16_t rank;
    std::size_t place;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : place > other.place;
    }
  };
  const std::size_t size = ids.size() - begin;
  std::vector<Symbol> symbols(size);
  for (std::size_t i = 0; i < size; ++i)
    symbols[i] = {ids[begin + i], true, i - 1, i + 1};
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto merge_at = [&](std::size_t i) -> const Merge& {
    return merges_[locate(symbols[i].id, symbols[symbols[i].next].id)];
  };
  const auto propose = [&](std::size_t i) {
    if (symbols[i].next >= size) return;
    if (const Merge& merge = merge_at(i); merge.rank != kNoMerge) candidates.push({merge.rank, i});
  };
  for (std::size_t i = 0; i < size; ++i)
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
  for (std::size_t i = 0; i < size; i = symbols[i].next)
    ids.push_back(symbols[i].id);
}

std::string ByteLevelBpe::decode(std::span<const std::uint16_t> ids) const {
  std::string bytes;
  for (const std::uint16_t id : ids) {
    if (id >= token_bytes_.size())
      throw usage_error(concat("Token ids must be below the vocabulary's ", token_bytes_.size(),
                               ", found ", id, "."));
    bytes += token_bytes_[id];
  }
  return repair_utf8(bytes);
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

std::string tokenizer_fingerprint(const std::filesystem::path& vocab,
                                  const std::filesystem::path& merges) {
  return sha256_hex(
      canonical_json({{"merges", sha256_file(merges)}, {"vocab", sha256_file(vocab)}}));
}

}  // namespace dtbench
