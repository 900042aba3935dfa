// Interventions by exceptions: parts of a model in fp32 (config/policy.h).
#pragma once

#include <optional>
#include <vector>

#include "engine/forensics/intervention.h"
#include "engine/forensics/module_places.h"
#include "engine/forensics/node_watch.h"

namespace dtbench {

// The smallest first; none for a policy that computes in fp32. One that holds the origin removes an
// overflow there, and is a control for every other mechanism; one that does not hold it is a
// control for all: what overflows outside overflows still, and weights, gradients and states are
// stored as before. LayerNorm is not among them: its exception changes no bit (docs/contract.md).
std::vector<Candidate> module_candidates(const RunSpec& spec, const ModulePlaces& places,
                                         const std::optional<Origin>& origin);

}  // namespace dtbench
