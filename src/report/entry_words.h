// What a policy's cells in a row of the matrix (row_json) did, in words.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// "met a NaN or an infinity", "did not train beyond a constant answer", ...
std::string ending(const std::string& state);

// Whether a policy can be recommended in place of fp32_true: neither that nor its noise floor.
bool is_alternative(const std::string& policy);

// Whether training told anything: not of cells that were skipped, failed or ran out of memory.
bool has_outcome(const Json& entry);
bool all_trained(const Json& entry);
bool any_nonfinite(const Json& entry);

// What stands beside a difference because it explains it: updates of weights that rounding loses,
// more than fp32_true's by a hundredth of all, and steps that a loss scale skipped. "" for nothing.
std::string explanation(const Json& entry, const Json& reference);
std::string explained(const Json& entry, const Json& reference);  // the same in brackets

// "A"; "A (train.batch 8)" where a row's label says in what it differs from others.
std::string place_of(const Json& row);

// "all six scenarios" where `labels` are those of all rows and there are three or more, else
// "A, B and D".
std::string places(const std::vector<std::string>& labels, const Json& rows);

// The share of weight updates that rounding loses, 0 where it was not counted; differences below
// `kLostWorthSaying` are not told.
double lost_share(const Json& entry);
inline constexpr double kLostWorthSaying = 0.01;

// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& parts);

}  // namespace dtbench
