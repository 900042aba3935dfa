#include "data/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/clock.h"
#include "base/text.h"

namespace dtbench {

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(isatty(STDERR_FILENO) == 1),
      started_(steady_seconds()),
      next_(started_ + 2) {}

Progress::~Progress() {
  if (terminal_ && drawn_) std::cerr << "\r\033[K" << std::flush;
}

void Progress::update(double share, const std::string& detail) {
  if (first_share_ < 0) first_share_ = share;
  const double now = steady_seconds();
  if (now < next_) return;
  next_ = now + (terminal_ ? 0.2 : 10);
  const double elapsed = now - started_;
  const double left = elapsed * (1 - share) / std::max(share - first_share_, 1e-9);
  const std::string line =
      concat(what_, ": ", static_cast<int>(100 * share), " %, ", detail, detail.empty() ? "" : ", ",
             human_seconds(elapsed), " so far, ", human_seconds(left), " to go");
  if (terminal_)
    std::cerr << "\r\033[K" << line << std::flush;
  else
    std::cerr << line << '\n';
  drawn_ = true;
}

}  // namespace dtbench
