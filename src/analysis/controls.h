// What controls say: the contrast once more with one thing changed.
#pragma once

#include <string>
#include <vector>

#include "analysis/looks.h"

namespace dtbench {

struct Answer {
  const Control* control;
  Judged judged;            // at the hypothesis' alpha, by itself
  Json shows;               // what its `if_better` or `if_worse` says, and on what; null without
  std::string other_study;  // in what its cells differ from the contrast's, besides what the
                            // control changes: then it was not run

  bool was_run() const {
    return judged.verdict != Verdict::kNotTestable && judged.verdict != Verdict::kInterim;
  }
};

// Of the controls that take the place of `policy`, one of the contrast's. `main`: the finding
// without a control, which `shows` compares with.
std::vector<Answer> answers_of_controls(const Evidence& evidence, const std::string& policy,
                                        const Finding& main);

Json to_json(const Answer& answer, const Hypothesis& hypothesis);

}  // namespace dtbench
