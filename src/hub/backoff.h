// How often and after how long a wait to try again.
#pragma once

#include <optional>
#include <random>
#include <string>

namespace dtbench {

struct RetryPolicy {
  int retries = 5;  // in a row, without any progress between them
  double first_wait_s = 1;
  double longest_wait_s = 8;
  double longest_retry_after_s = 300;  // a server that asks for more is not waited for
};

// The waits between tries of one request: twice as long each time up to the longest, each shortened
// by a random share of up to a half, so that clients cut off together do not return together.
class Backoff {
 public:
  // `subject`: what is being fetched, for the log.
  Backoff(const RetryPolicy& policy, std::string subject);

  // Says why in the log, waits, and returns true; or false when the tries are used up, or when
  // `retry_after_s` (the server's wish, at least which is waited) is too long.
  bool wait(const std::string& why, std::optional<double> retry_after_s = std::nullopt);

  // The last try brought something.
  void reset() { tries_ = 0; }

 private:
  double next_wait();

  RetryPolicy policy_;
  std::string subject_;
  int tries_ = 0;
  std::minstd_rand random_;
};

}  // namespace dtbench
