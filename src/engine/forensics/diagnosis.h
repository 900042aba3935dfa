// From what a watched replay saw to the mechanisms that may have killed the run. A diagnosis is a
// claim; explain.h tests it by intervention.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/forensics/mechanism.h"
#include "engine/forensics/replay.h"

namespace dtbench {

// All of a watched replay up to the first value that is not finite.
struct ReplayEvidence {
  RunSpec spec;
  std::vector<StepSignals> steps;
  std::optional<NonFiniteEvent> nonfinite;
  std::optional<Origin> origin;  // nothing where the passes were finite: the update did it
  std::vector<Place> chain;
};

struct Diagnosis {
  Mechanism mechanism = Mechanism::kUnknown;
  std::int64_t since_step = 0;  // the first step in which its signal was beyond its bound
  std::string text;             // with the numbers that show it
};

// In the order in which they began; never empty where the run died.
std::vector<Diagnosis> diagnose(const ReplayEvidence& evidence);

}  // namespace dtbench
