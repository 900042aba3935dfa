#include "base/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "base/utf8.h"

namespace dtbench {
namespace {

std::size_t levenshtein(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

bool steers_terminal(char32_t c) {
  const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
  const bool direction = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return control || direction;
}

std::string printf_string(const char* format, auto... values) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

// \u202e, and two of them for a character beyond the first plane (RFC 8259, section 7).
std::string json_escape(std::uint32_t character) {
  if (character > 0xffff)
    return json_escape(0xd800 + ((character - 0x10000) >> 10)) +
           json_escape(0xdc00 + ((character - 0x10000) & 0x3ff));
  const std::array<unsigned char, 2> bytes = {static_cast<unsigned char>(character >> 8),
                                              static_cast<unsigned char>(character)};
  return "\\u" + hexadecimal(bytes);
}

}  // namespace

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (!joined.empty()) joined += separator;
    joined += part;
  }
  return joined;
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = name.size() / 2 + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = levenshtein(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string near = nearest(name, candidates);
  return (near.empty() ? "" : concat("Did you mean '", near, "'? ")) +
         "Known: " + join(candidates, ", ") + ".";
}

std::string formatted(const char* format, double value) {
  return printf_string(format, value);
}

std::string hexadecimal(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const Utf8Character character = decode_utf8(text);
    const std::string_view bytes = text.substr(0, character.length);
    text.remove_prefix(character.length);
    if (character.valid && !steers_terminal(character.value)) {
      safe += bytes;
      continue;
    }
    if (character.valid && character.value >= 0x7f) {
      safe += json_escape(character.value);
      continue;
    }
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      safe += "\\x" + hexadecimal({&byte, 1});
    }
  }
  return safe;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t cut = most;
  while (cut > 0 && (text[cut] & 0xC0) == 0x80)
    --cut;
  return std::string(text.substr(0, cut)) + "...";
}

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024.0 && unit + 1 < kUnits.size()) {
    value /= 1024.0;
    ++unit;
  }
  return printf_string(unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits.at(unit));
}

std::string human_seconds(double seconds) {
  constexpr double kMost = 1e15;  // beyond, a whole number may not hold them
  if (!(seconds >= 0 && seconds < kMost)) return "?";
  if (seconds < 60) return printf_string("%.1f s", seconds);
  const auto whole = static_cast<long long>(seconds);
  if (whole < 3600) return printf_string("%lld min %02lld s", whole / 60, whole % 60);
  return printf_string("%lld h %02lld min", whole / 3600, whole % 3600 / 60);
}

}  // namespace dtbench
