// Small text helpers: concatenation, nearest names for suggestions, sizes and durations for people.
#pragma once

#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace dtbench {

// The arguments streamed one after another: concat("got ", 3) == "got 3".
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

std::string join(const std::vector<std::string>& parts, std::string_view separator);

// The candidate with the smallest Levenshtein distance to `name`, or "" when none is closer than
// half of the name's length: for "did you mean" hints.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

// "Did you mean 'x'? " if there is a near name, then "Known: a, b, c."
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

// A number by printf's format.
std::string formatted(const char* format, double value);

// Two lower-case hexadecimal digits a byte.
std::string hexadecimal(std::span<const unsigned char> bytes);

// Text from elsewhere must not steer a terminal: control characters but tab and line feed, and
// broken UTF-8, become \xNN; those from U+007F on (C1, marks of direction) become \uNNNN.
std::string printable(std::string_view text);

// At most `most` bytes and the mark for what is left out, cut between characters: values come from
// files and may have any length.
std::string shortened(std::string_view text, std::size_t most);

// Whether there are only such digits.
bool is_hexadecimal(std::string_view text);

// 1536 -> "1.5 KiB".
std::string human_bytes(std::uint64_t bytes);

// 3725.0 s -> "1 h 02 min", 75.2 -> "1 min 15 s", 3.21 -> "3.2 s".
std::string human_seconds(double seconds);

}  // namespace dtbench
