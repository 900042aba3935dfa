// What controls say: the contrast once more with one thing changed.
#pragma once

#include <string>
#include <vector>

#include "analysis/finding.h"

namespace dtbench {

enum class Verdict { kSupported, kRefuted, kUndecided, kConfounded, kNotTestable };

const char* to_string(Verdict value);  // "supported", ..., "not_testable"

// Whether one is `supported` and the other `refuted`.
bool opposite(Verdict a, Verdict b);

// Testable, with the seeds that the hypothesis asks for.
bool enough(const Hypothesis& hypothesis, const Finding& finding);

struct Answer {
  const Control* control;
  Finding finding;
  Verdict verdict;  // by the finding alone, at the hypothesis' alpha
};

// Of the controls that take the place of `policy`, one of the contrast's.
std::vector<Answer> answers_of_controls(const Hypothesis& hypothesis, const std::string& policy,
                                        const Pairing& pairing);

// `main`: the finding without a control, which `shows` compares with.
Json to_json(const Answer& answer, const Finding& main, double alpha);

}  // namespace dtbench
