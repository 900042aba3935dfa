// Whole numbers of JSON that somebody else wrote.
#pragma once

#include <cstdint>

#include "base/json.h"

namespace dtbench {

// A whole number of 64 bits. Throws Json::type_error for anything else: the library's get<> takes
// numbers with a fraction, too, of which 1e300 has no defined conversion, and wraps 2^63.
std::int64_t whole_number(const Json& value);

// The same from 0 on: how many there are of something.
std::size_t count_of(const Json& value);

}  // namespace dtbench
