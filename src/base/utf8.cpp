#include "base/utf8.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace dtbench {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What may follow a lead byte (RFC 3629, section 4): the number of continuation bytes and the range
// of the first of them, which excludes overlong forms, surrogates and values above U+10FFFF.
struct Lead {
  std::size_t continuations;
  unsigned first_low, first_high;
};

Lead lead_of(unsigned byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

// The length of the ASCII text that `text` begins with, or a little less: it goes by 32 bytes.
std::size_t ascii_prefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080u;
  std::size_t length = 0;
  for (std::array<std::uint64_t, 4> words; length + sizeof words <= text.size();
       length += sizeof words) {
    std::memcpy(words.data(), text.data() + length, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
  }
  return length;
}

}  // namespace

Utf8Character decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(text[i]));
  };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const Lead lead = lead_of(first);
  if (lead.continuations == 0) return {0, 1, false};
  char32_t value = first & (0x3Fu >> lead.continuations);
  for (std::size_t i = 1; i <= lead.continuations; ++i) {
    const unsigned low = i == 1 ? lead.first_low : 0x80, high = i == 1 ? lead.first_high : 0xBF;
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {0, i, false};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  return {value, lead.continuations + 1, true};
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = ascii_prefix(text); i < text.size();) {
    const Utf8Character character = decode_utf8(text.substr(i));
    if (!character.valid) return false;
    i += character.length;
    if (i % 32 == 0) i += ascii_prefix(text.substr(i));
  }
  return true;
}

std::string repair_utf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Character character = decode_utf8(text.substr(i));
    repaired += character.valid ? text.substr(i, character.length) : kReplacement;
    i += character.length;
  }
  return repaired;
}

void append_utf8(std::string& text, char32_t character) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  const auto put_continuation = [&](int shift) { put(0x80 | ((character >> shift) & 0x3F)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | (character >> 6));
    put_continuation(0);
  } else if (character < 0x10000) {
    put(0xE0 | (character >> 12));
    put_continuation(6);
    put_continuation(0);
  } else {
    put(0xF0 | (character >> 18));
    put_continuation(12);
    put_continuation(6);
    put_continuation(0);
  }
}

}  // namespace dtbench
