// "Use X here, because": for each row of the matrix the fastest policy that loses nothing; below
// five pairs of seeds no more than "fastest finite so far"; on a CPU, whose speeds choose nothing,
// those that trained. The rule is in docs/report.md.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// Pairs of seeds below which nothing is recommended (docs/report.md).
inline constexpr std::size_t kFewestPairs = 5;

// `row`: row_json. {"policy" (null: none is chosen), "strength" ("firm", "provisional", "so_far",
// "on_cpu", null), "lead" and "named": what is said ("Fastest finite so far:", "amp_bf16"),
// "pairs" of seeds that it rests on (null: none), "because", "provisos": what weakens it,
// "against": policy -> why it was passed over}.
Json recommendation(const Json& row);

// What a choice of that strength is called: "Provisionally, use".
std::string lead_of(const std::string& strength);

// Policies that trained where fp32_true did, itself and its noise floor left out.
std::vector<std::string> trained_like_reference(const Json& row);

}  // namespace dtbench
