#include "hub/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/text.h"
#include "hub/url.h"

namespace dtbench {
namespace {

constexpr int kMostRedirects = 10;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 10 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

// "api";r=0;t=55: none left for 55 seconds (draft-ietf-httpapi-ratelimit-headers-09).
std::optional<double> rate_limit_s(const std::string& header) {
  const std::size_t end_of_name = header.find("\";");
  long left = 0;
  long seconds = 0;
  if (end_of_name == std::string::npos ||
      std::sscanf(header.c_str() + end_of_name, "\";r=%9ld;t=%9ld", &left, &seconds) != 2 ||
      left != 0)
    return std::nullopt;
  return static_cast<double>(seconds);
}

}  // namespace

bool may_pass(const HttpResponse& response) {
  return response.status == 408 || response.status == 429 || response.status >= 500;
}

bool wait_after(const TransferFailure& failure, Backoff& backoff) {
  return failure.kind() == TransferFailure::Kind::kPassing && backoff.wait(failure.what());
}

std::optional<double> retry_after_s(const HttpResponse& response) {
  const std::string value = response.header("retry-after");
  if (is_number(value)) return std::stod(value);
  if (const std::time_t date = curl_getdate(value.c_str(), nullptr); date >= 0)
    return std::max(0.0, std::difftime(date, std::time(nullptr)));
  return rate_limit_s(response.header("ratelimit"));
}

Error transfer_error(const std::string& subject, const TransferFailure& failure,
                     const HubSettings& settings) {
  return Error(failure.kind() == TransferFailure::Kind::kLasting ? ExitCode::kPermanent
                                                                 : ExitCode::kRetryable,
               concat(subject, ": downloading it from '", settings.endpoint,
                      "' failed: ", failure.what(), "."),
               "Check the network, proxies and HF_ENDPOINT, then try again; HF_HUB_OFFLINE=1 uses "
               "only what is cached.");
}

HttpClient::HttpClient(const HubSettings& settings, ByteCount received)
    : settings_(settings),
      origin_(url_origin(settings.endpoint)),
      transfer_(settings.connect_timeout_s, settings.stall_timeout_s, std::move(received)) {}

HttpResponse HttpClient::follow(HttpRequest request, BodySink* sink) {
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    const bool at_home = url_origin(request.url) == origin_;
    request.bearer = at_home ? settings_.token : Secret();
    HttpResponse response = transfer_.perform(request, sink);
    if (!response.is_redirect()) return response;
    const std::string target = resolve_url(request.url, response.header("location"));
    const std::string origin = url_origin(target);
    if (origin.empty())
      throw TransferFailure("it redirects to something that is not an http address",
                            TransferFailure::Kind::kLasting);
    if (request.method == "HEAD" && origin != origin_ && !response.header("x-repo-commit").empty())
      return response;
    request.url = target;
  }
  throw TransferFailure(concat("more than ", kMostRedirects, " redirects"),
                        TransferFailure::Kind::kLasting);
}

HttpResponse HttpClient::try_often(const std::string& subject,
                                   const std::function<HttpResponse()>& attempt) {
  Backoff backoff(settings_.retry, subject);
  for (;;) {
    try {
      HttpResponse response = attempt();
      if (!may_pass(response) ||
          !backoff.wait(concat("HTTP status ", response.status), retry_after_s(response)))
        return response;
    } catch (const TransferFailure& failure) {
      if (!wait_after(failure, backoff)) throw transfer_error(subject, failure, settings_);
    }
  }
}

HttpResponse HttpClient::get(const std::string& url, const std::string& subject) {
  return try_often(subject, [&] { return follow({"GET", url, {}, {}, 0}, nullptr); });
}

HttpResponse HttpClient::head(const std::string& url, const std::string& subject) {
  return try_often(subject, [&] { return follow({"HEAD", url, {}, {}, 0}, nullptr); });
}

HttpResponse HttpClient::get_once(const std::string& url, const std::optional<ByteRange>& range,
                                  BodySink& sink) {
  return follow({"GET", url, {}, range, 0}, &sink);
}

}  // namespace dtbench
