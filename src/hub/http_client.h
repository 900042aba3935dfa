// HTTP as the Hub needs it: redirects, a token that stays at home, and further tries.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "hub/backoff.h"
#include "hub/settings.h"
#include "hub/transfer.h"

namespace dtbench {

// The token goes to the endpoint's origin (scheme, host and port) alone: every address is asked for
// by itself, also those that a redirect gives. For one thread at a time.
//
// `subject` says in log and errors what is fetched. Lost connections and the statuses 408, 429 and
// 5xx are tried again as the settings' policy says, honouring Retry-After; a first connection that
// cannot be made is not. Throws Error where no reply comes; other statuses are the caller's to
// judge.
class HttpClient {
 public:
  // `received` counts what all clients of one Hub fetch.
  HttpClient(const HubSettings& settings, ByteCount received);

  // The whole body, in memory.
  HttpResponse get(const std::string& url, const std::string& subject);

  // Follows redirects as far as the first reply that carries a commit and sends elsewhere: that one
  // describes the file, and what it points at does not.
  HttpResponse head(const std::string& url, const std::string& subject);

  // One try, for callers that go on where it ended. Throws TransferFailure.
  HttpResponse get_once(const std::string& url, const std::optional<ByteRange>& range,
                        BodySink& sink);

  const HubSettings& settings() const { return settings_; }

 private:
  HttpResponse follow(HttpRequest request, BodySink* sink);
  HttpResponse try_often(const std::string& subject, const std::function<HttpResponse()>& attempt);

  HubSettings settings_;
  std::string origin_;
  Transfer transfer_;
};

// Whether another try may bring another status.
bool may_pass(const HttpResponse& response);

// Waits for another try; false where the failure is final, or where no try is left.
bool wait_after(const TransferFailure& failure, Backoff& backoff);

// What the server asks to wait, in seconds: Retry-After (a number or a date), or a RateLimit header
// with nothing left, as the Hub sends it.
std::optional<double> retry_after_s(const HttpResponse& response);

// `failure` for people, after the last try.
Error transfer_error(const std::string& subject, const TransferFailure& failure,
                     const HubSettings& settings);

}  // namespace dtbench
