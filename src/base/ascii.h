// Text of ASCII, whatever the locale: names of headers and files, words of settings.
#pragma once

#include <string>
#include <string_view>

namespace dtbench {

// Without blanks, tabs and ends of lines at both ends.
std::string_view trimmed(std::string_view text);

std::string lower_case(std::string_view text);  // A to Z alone

}  // namespace dtbench
