// Why did a cell die? A replay of its steps with every operation watched, the mechanisms that the
// replay points to, and the proof by intervention: one change each, from the same start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/forensics/diagnosis.h"
#include "engine/forensics/intervention.h"

namespace dtbench {

// A cell that is known to have died.
struct Death {
  RunSpec spec;
  std::vector<Json> recorded;  // the lines of steps.jsonl; empty: nothing to compare with
  std::int64_t step = 0;       // in which the first value was found that is not finite
  std::int64_t replays = 10;   // with initial weights moved by one ulp; 0: a diagnosis, no proof
};

// What one intervention did.
struct Trial {
  Intervention intervention;
  ReplayEnd end;
  // Over the steps up to the one in which the unchanged cell died:
  double longest_step = 0, flushed_share = 0, activation_share = 0, gradient_share = 0;
};

struct Proof {
  std::int64_t replays = 0;
  std::int64_t unchanged_died = 0;
  std::string change;  // the smallest that removes the mechanism and survives; "": none does
  std::int64_t change_survived = 0;
  std::vector<std::string> against;  // what speaks against it; empty and replays > 0: proved
  bool proved() const { return replays > 0 && against.empty(); }
};

struct Explanation {
  // Steps of the replay that agree with the record in loss, norm and scale, bit for bit.
  std::int64_t steps_equal = 0;
  std::string differs;        // the first that does not, in words
  bool step_repeats = false;  // the last step, computed twice, gives the same bits
  ReplayEvidence evidence;
  std::vector<Diagnosis> diagnoses;  // the one that the proof is about first
  std::int64_t window = 0;           // steps of a trial
  std::vector<Trial> trials;
  Proof proof;
};

Explanation inquire(const Death& death, const ReplaySource& source);

}  // namespace dtbench
