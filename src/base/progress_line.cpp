#include "base/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/clock.h"
#include "base/text.h"

namespace dtbench {

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)),
      terminal_(isatty(STDERR_FILENO) == 1),
      started_(steady_seconds()),
      next_(started_ + 2) {}

ProgressLine::~ProgressLine() {
  if (terminal_ && drawn_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressLine::update(double share, const std::string& detail) {
  if (first_share_ < 0) first_share_ = share;
  const double now = steady_seconds();
  if (now < next_) return;
  next_ = now + (terminal_ ? 0.2 : 10);
  const double elapsed = now - started_;
  // Of several parts the first share may be all that is known for long.
  const bool moved = share > first_share_;
  const std::string left =
      moved ? concat(", ", human_seconds(elapsed * (1 - share) / (share - first_share_)), " left")
            : "";
  const std::string line =
      concat(what_, ": ", static_cast<int>(100 * share), " %, ", detail, detail.empty() ? "" : ", ",
             human_seconds(elapsed), " elapsed", left);
  if (terminal_)
    std::cerr << "\r\033[K" << line << std::flush;
  else
    std::cerr << line << '\n';
  drawn_ = true;
}

}  // namespace dtbench
