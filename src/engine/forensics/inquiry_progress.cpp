#include "engine/forensics/inquiry_progress.h"

#include <unistd.h>

#include <iostream>

#include "base/clock.h"
#include "base/text.h"

namespace dtbench {

InquiryProgress::InquiryProgress() : terminal_(isatty(STDERR_FILENO) == 1) {}

InquiryProgress::~InquiryProgress() {
  if (terminal_ && units_ > 0) std::cerr << "\r\033[K" << std::flush;
}

void InquiryProgress::begin(const std::string& part, std::int64_t units) {
  part_ = part;
  units_ = units;
  done_ = 0;
  started_ = last_shown_ = steady_seconds();
  if (terminal_) show();
}

void InquiryProgress::advance(std::int64_t units) {
  done_ += units;
  const double now = steady_seconds();
  if (now - last_shown_ < (terminal_ ? 0.1 : 10.0)) return;
  last_shown_ = now;
  show();
}

void InquiryProgress::show() {
  std::string text = concat(part_, ": ", done_, " of ", units_);
  if (done_ > 0) {
    const double each = (steady_seconds() - started_) / static_cast<double>(done_);
    text += concat(", ETA ", human_seconds(each * static_cast<double>(units_ - done_)));
  }
  if (terminal_)
    std::cerr << '\r' << text << "\033[K" << std::flush;
  else
    std::cerr << text << '\n';
}

}  // namespace dtbench
