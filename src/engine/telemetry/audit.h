// audit.json: the contract as read back from the device, and the fingerprints that a resumed run
// must match.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/ops/canary.h"
#include "engine/train/trainer.h"

namespace dtbench {

// `identity` holds what a resume must find unchanged: program, torch, device, data, initial
// weights. `sources` says which commits on the Hub these are of. Call it before a checkpoint is
// loaded: it fingerprints the weights as they are.
Json make_audit(const Trainer& trainer, const Json& precision_switches,
                const std::vector<CanaryCheck>& canary, const Json& sources);

// What differs between two identities, a line each; "": nothing.
std::string identity_differences(const Json& recorded, const Json& present);

// Throws Error (usage) listing each difference between the identities of two audits.
void require_same_identity(const Json& recorded, const Json& present);

}  // namespace dtbench
