// What a person sees of a matrix while it goes on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sweep/sweep.h"

namespace dtbench {

// A table that is redrawn in place where standard error is a terminal, a line a cell elsewhere.
std::unique_ptr<SweepObserver> make_sweep_view();

// The table's lines, of at most `width` characters: `recent` (cells that ended, a line each), those
// that run, and the whole.
std::vector<std::string> sweep_screen(const SweepProgress& progress,
                                      const std::vector<std::string>& recent, std::size_t width);

// "3 of 36 cells done, 1 failed, 2 running; 0.12 USD of 5.00 spent; ETA 3 min 10 s".
std::string whole_line(const SweepProgress& progress);

// How a cell ended, in one line: "A fp32_true seed 0 completed, trained: 30 of 30 steps ...".
std::string end_line(const SweepCell& cell);

// "0.12": cents, or two digits of less.
std::string usd(double amount);

}  // namespace dtbench
