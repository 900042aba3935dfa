// What a person sees of a matrix while it goes on.
#pragma once

#include <memory>
#include <string>

#include "sweep/sweep.h"

namespace dtbench {

// A table that is redrawn in place where standard error is a terminal, and says what Ctrl-C does; a
// line a cell elsewhere.
std::unique_ptr<SweepObserver> make_sweep_view(
    const std::string& at_ctrl_c = "Ctrl-C stops, the same command resumes.");

// "3 of 36 cells done, 1 failed, 2 running; 0.12 USD of 5.00 spent; ETA 3 min 10 s; stage 3 of 11
// (h1)".
std::string whole_line(const SweepProgress& progress);

// "0.12": cents, or two digits of less.
std::string usd(double amount);

}  // namespace dtbench
