// What explain.json says, as sentences: for the terminal and for the page.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// The value at `pointer`, "-" where there is none.
std::string readable_at(const Json& json, const char* pointer);
// Whether the replay is the record, and whether its last step repeats.
std::string replay_text(const Json& explanation);
// The first operation that gave a value that is not finite.
std::string origin_text(const Json& explanation);
// From there on, one mention each: "conv1d of transformer.h.1.mlp.c_proj".
std::vector<std::string> chain_places(const Json& explanation);
// The first diagnosis, and what came after it.
std::string cause_text(const Json& explanation);
// How one intervention ended: "survives", "dies at step 9".
std::string trial_end(const Json& trial);
// What the replays proved, or what speaks against it. Of an explanation with trials.
std::string proof_text(const Json& explanation);

}  // namespace dtbench
