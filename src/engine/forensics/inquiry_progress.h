// How far an inquiry is, on standard error: rewritten in place on a terminal, a line now and then
// elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace dtbench {

class InquiryProgress {
 public:
  InquiryProgress();
  ~InquiryProgress();
  InquiryProgress(const InquiryProgress&) = delete;
  InquiryProgress& operator=(const InquiryProgress&) = delete;

  // A part of `units` equal units of work begins.
  void begin(const std::string& part, std::int64_t units);
  void advance(std::int64_t units);

 private:
  void show();

  bool terminal_;
  std::string part_;
  std::int64_t done_ = 0, units_ = 0;
  double started_ = 0, last_shown_ = 0;
};

}  // namespace dtbench
