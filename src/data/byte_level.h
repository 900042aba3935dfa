// GPT-2's spelling of bytes: every byte as a printable character, so that tokens are text.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dtbench {

// By byte: printable Latin-1 as itself, the others as U+0100 and following.
const std::array<char32_t, 256>& byte_characters();

// The bytes that a token spells. A token with any other character stands for its own UTF-8.
std::string spelled_bytes(const std::string& token);

// Ids back to text.
class Detokenizer {
 public:
  Detokenizer() = default;
  explicit Detokenizer(const std::vector<std::string>& tokens);  // as spelled, by id

  std::size_t size() const { return bytes_.size(); }
  const std::string& bytes(std::size_t id) const { return bytes_[id]; }
  // Ill-formed UTF-8 becomes U+FFFD. Throws Error (usage) for an id out of range.
  std::string decode(std::span<const std::uint16_t> ids) const;

 private:
  std::vector<std::string> bytes_;
};

}  // namespace dtbench
