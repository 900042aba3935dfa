// A progress line with the time left, on standard error: redrawn in place on a terminal, a line now
// and then elsewhere, nothing at all for work that takes less than two seconds.
#pragma once

#include <string>

namespace dtbench {

class ProgressLine {
 public:
  explicit ProgressLine(std::string what);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `share`: done so far, in 0..1. The first is where this work began: what is resumed was not done
  // in the time so far. `detail` is shown beside it.
  void update(double share, const std::string& detail = "");

 private:
  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  double started_, next_;
  double first_share_ = -1;
};

}  // namespace dtbench
