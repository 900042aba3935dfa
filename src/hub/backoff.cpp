#include "hub/backoff.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/log.h"
#include "base/text.h"

namespace dtbench {

Backoff::Backoff(const RetryPolicy& policy, std::string subject)
    : policy_(policy), subject_(std::move(subject)), random_(std::random_device{}()) {}

double Backoff::next_wait() {
  const double full =
      std::min(policy_.longest_wait_s, policy_.first_wait_s * std::pow(2.0, tries_ - 1));
  return full * std::uniform_real_distribution<double>(0.5, 1)(random_);
}

bool Backoff::wait(const std::string& why, std::optional<double> retry_after_s) {
  if (tries_ == policy_.retries || retry_after_s.value_or(0) > policy_.longest_retry_after_s)
    return false;
  ++tries_;
  const double seconds = std::max(next_wait(), retry_after_s.value_or(0));
  log_warning(concat(subject_, ": ", why, "; retrying in ", human_seconds(seconds), " (", tries_,
                     " of ", policy_.retries, ")"));
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return true;
}

}  // namespace dtbench
