#include "data/pretokenize.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/utf8.h"

namespace dtbench {
namespace {

struct ClassRange {
  char32_t first, last;
  CharacterClass value;
};

constexpr ClassRange kRanges[] = {
#include "data/unicode_classes.inc"
};

// One byte a code point: the scanner's inner loop is a load.
const std::vector<CharacterClass>& class_table() {
  static const std::vector<CharacterClass> table = [] {
    std::vector<CharacterClass> classes(0x110000, CharacterClass::kOther);
    for (const ClassRange& range : kRanges)
      std::fill(classes.begin() + range.first, classes.begin() + range.last + 1, range.value);
    return classes;
  }();
  return table;
}

// Length of 's 't 're 've 'm 'll 'd at text[0], or 0.
std::size_t contraction(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return text.size() > 2 && text[2] == 'e' ? 3 : 0;
    case 'l':
      return text.size() > 2 && text[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

struct Scanner {
  std::string_view text;
  const std::vector<CharacterClass>& classes = class_table();

  struct Step {
    CharacterClass value;
    std::size_t length;
  };
  Step at(std::size_t i) const {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) return {classes[byte], 1};
    const Utf8Character character = decode_utf8(text.substr(i));
    return {classes[character.value], character.length};
  }

  // The end of the run of one class that starts at `begin`.
  std::size_t run_end(std::size_t begin, CharacterClass value) const {
    std::size_t end = begin;
    while (end < text.size()) {
      const Step step = at(end);
      if (step.value != value) break;
      end += step.length;
    }
    return end;
  }

  // \s+(?!\S)|\s+ : white space before a word leaves its last character to the word.
  std::size_t white_space() const {
    std::size_t end = 0, last = 0;
    while (end < text.size()) {
      const Step step = at(end);
      if (step.value != CharacterClass::kSpace) return last > 0 ? last : end;
      last = end;
      end += step.length;
    }
    return end;
  }
};

}  // namespace

CharacterClass character_class(char32_t character) {
  return class_table()[character];
}

std::size_t next_piece(std::string_view text) {
  if (const std::size_t length = contraction(text); length > 0) return length;
  const Scanner scanner{text};
  const std::size_t start = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  const CharacterClass value = scanner.at(start).value;
  if (value == CharacterClass::kSpace) return scanner.white_space();
  return scanner.run_end(start, value);
}

}  // namespace dtbench
