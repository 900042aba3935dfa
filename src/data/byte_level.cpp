#include "data/byte_level.h"

#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "base/utf8.h"

namespace dtbench {

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

Detokenizer::Detokenizer(const std::vector<std::string>& tokens) {
  for (const std::string& token : tokens)
    bytes_.push_back(spelled_bytes(token));
}

std::string Detokenizer::decode(std::span<const std::uint16_t> ids) const {
  std::string text;
  for (const std::uint16_t id : ids) {
    if (id >= bytes_.size())
      throw usage_error(
          concat("Token ids must be below the vocabulary's ", bytes_.size(), ", found ", id, "."));
    text += bytes_[id];
  }
  return repair_utf8(text);
}

}  // namespace dtbench
