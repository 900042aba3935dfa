#include "data/label_text.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/ascii.h"
#include "base/text.h"
#include "base/utf8.h"

namespace dtbench {
namespace {

constexpr std::string_view kSeparators = ",;|";
constexpr const char* kLeftOut = "...";

bool is_quote(char c) {
  return c == '\'' || c == '"';
}

// The value of the digits after "\x", "\u" or "\U", which it removes.
char32_t hexadecimal_digits(std::string_view& text, std::size_t count) {
  std::uint32_t value = 0;
  if (text.size() < count ||
      std::from_chars(text.data(), text.data() + count, value, 16).ptr != text.data() + count)
    throw ListFault("an escape in it is incomplete");
  text.remove_prefix(count);
  return value;
}

// JSON writes characters beyond 0xffff as two escapes.
char32_t escaped_character(std::string_view& text, char kind) {
  const auto is_half = [](char32_t c, char32_t first) { return c >= first && c < first + 0x400; };
  char32_t c = hexadecimal_digits(text, kind == 'x' ? 2 : kind == 'u' ? 4 : 8);
  if (is_half(c, 0xD800) && text.starts_with("\\u")) {
    text.remove_prefix(2);
    const char32_t low = hexadecimal_digits(text, 4);
    if (is_half(low, 0xDC00)) c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
  }
  if (is_half(c, 0xD800) || is_half(c, 0xDC00) || c > 0x10FFFF)
    throw ListFault("an escape in it is no character");
  return c;
}

void append_escaped(std::string_view& text, std::string& item) {
  if (text.empty()) throw ListFault("a quote in it does not end");
  const char c = text.front();
  text.remove_prefix(1);
  constexpr std::string_view kNames = "nrtbf", kMeant = "\n\r\t\b\f";
  if (const std::size_t at = kNames.find(c); at != std::string_view::npos)
    item += kMeant[at];
  else if (c == 'x' || c == 'u' || c == 'U')
    append_utf8(item, escaped_character(text, c));
  else
    item += c;
}

// A quoted item at the beginning of `text`, which it removes.
std::string quoted_item(std::string_view& text) {
  const char quote = text.front();
  text.remove_prefix(1);
  std::string item;
  while (!text.empty() && text.front() != quote) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\\')
      append_escaped(text, item);
    else
      item += c;
  }
  if (text.empty()) throw ListFault("a quote in it does not end");
  text.remove_prefix(1);
  return item;
}

// What stands at the beginning of `text` up to a separator, which it removes, too.
std::string_view plain_item(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(kSeparators), text.size());
  const std::string_view item = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return item;
}

// numpy prints a list of texts with blanks between them alone.
void end_quoted_item(std::string_view& text) {
  const std::string_view rest = trimmed(text);
  if (rest.size() < text.size() && !rest.empty() && is_quote(rest.front())) return;
  const std::string_view beside = plain_item(text);
  if (!beside.empty())
    throw ListFault(concat("there is \"", shortened(beside, 40), "\" beside a quoted item"));
}

std::vector<ListedItem> divided(std::string_view text, bool in_brackets) {
  std::vector<ListedItem> items;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    if (is_quote(text.front())) {
      items.push_back({quoted_item(text), true});
      end_quoted_item(text);
      continue;
    }
    const std::string_view item = plain_item(text);
    if (in_brackets && !item.empty() && std::string_view("[({").find(item.front()) != item.npos)
      throw ListFault("it holds another list");
    if (!item.empty()) items.push_back({std::string(item)});
  }
  return items;
}

// Blanks separate numbers and codes, which hold a digit each; a name may hold blanks.
std::vector<ListedItem> divided_by_blanks(const std::string& text) {
  std::vector<ListedItem> items;
  std::istringstream words(text);
  for (std::string word; words >> word;)
    items.push_back({word});
  const bool codes = std::all_of(items.begin(), items.end(), [](const ListedItem& item) {
    return item.text == kLeftOut || item.text.find_first_of("0123456789") != std::string::npos;
  });
  return codes ? items : std::vector<ListedItem>{{text}};
}

}  // namespace

std::vector<ListedItem> listed(std::string_view text) {
  const bool in_brackets = is_bracketed(text);
  text = trimmed(text);
  if (in_brackets) text = text.substr(1, text.size() - 2);
  std::vector<ListedItem> items = divided(text, in_brackets);
  if (items.size() == 1 && !items.front().quoted) items = divided_by_blanks(items.front().text);
  for (const ListedItem& item : items)
    if (!item.quoted && item.text == kLeftOut)
      throw ListFault("\"...\" stands for items that are left out");
  return items;
}

bool is_bracketed(std::string_view text) {
  text = trimmed(text);
  return (text.starts_with('[') && text.ends_with(']')) ||
         (text.starts_with('(') && text.ends_with(')')) ||
         (text.starts_with('{') && text.ends_with('}'));
}

}  // namespace dtbench
