// UTF-8 (RFC 3629): decoding and repair.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dtbench {

// The character at text[0]; text is not empty. For an ill-formed sequence `length` is that of its
// maximal subpart (Unicode 16, section 3.9, "U+FFFD Substitution of Maximal Subparts").
struct Utf8Character {
  char32_t value = 0;
  std::size_t length = 1;
  bool valid = true;
};
Utf8Character decode_utf8(std::string_view text);

bool is_valid_utf8(std::string_view text);

// Every maximal ill-formed subpart becomes U+FFFD, as Python's decode("utf-8", errors="replace").
std::string repair_utf8(std::string_view text);

void append_utf8(std::string& text, char32_t character);

}  // namespace dtbench
