// Text that lists labels: "['a', 'b']", "a,b", "a;b", "a|b", "[1 0 1]".
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dtbench {

struct ListedItem {
  std::string text;
  bool quoted = false;
};

// Why a text is no list, for a message.
class ListFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The items, without brackets around the whole and without quotes. An item that begins with a quote
// ends with its match, whatever is between them; escapes are those of Python and JSON. Other items
// end at a comma, semicolon or bar. Blanks separate quoted items, as numpy prints them, and numbers
// and codes, which hold a digit each; a name may hold blanks. Throws ListFault for a quote that does
// not end, text beside a quoted item, a list within a list, and for "...", by which a list was
// shortened.
std::vector<ListedItem> listed(std::string_view text);

// Whether a text is in brackets.
bool is_bracketed(std::string_view text);

}  // namespace dtbench
