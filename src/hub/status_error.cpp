#include "hub/status_error.h"

#include <algorithm>

#include "base/text.h"
#include "hub/http_client.h"
#include "hub/url.h"

namespace dtbench {
namespace {

struct Meaning {
  ExitCode code;
  std::string what, hint;
};

std::string to_get_a_token(const HubSettings& settings) {
  if (settings.token.empty()) return "set HF_TOKEN to your token, or log in with 'hf auth login'";
  return concat("check that the token from ", settings.token_source, " is valid and may read it");
}

Meaning unauthorized(const HubSettings& settings, const Repository& repository) {
  return {ExitCode::kPermanent,
          settings.token.empty() ? "it does not exist, or is private or gated, and no token is set"
                                 : "the Hub does not accept the token, or it does not exist",
          concat("Check the name '", repository.id, "'; if it is right, ", to_get_a_token(settings),
                 ".")};
}

Meaning meaning(const HubSettings& settings, const Repository& repository,
                const HttpResponse& response) {
  const std::string error = response.header("x-error-code");
  const std::string page = page_url(settings.endpoint, repository);
  if (error == "GatedRepo")
    return {ExitCode::kPermanent, "it is gated",
            concat("Accept its terms at ", page, " and ", to_get_a_token(settings), ".")};
  if (error == "RevisionNotFound")
    return {ExitCode::kUsage, "there is no such revision",
            concat("See its branches and tags at ", page, "; most have 'main'.")};
  if (error == "EntryNotFound")
    return {ExitCode::kUsage, "there is no such file at that revision",
            concat("See its files at ", page, "/tree/", repository.revision, ".")};
  if (response.status == 401) return unauthorized(settings, repository);
  if (response.status == 403)
    return {ExitCode::kPermanent, "access is forbidden",
            concat("At ", page, " see what it requires, and ", to_get_a_token(settings), ".")};
  if (response.status == 404)
    return {ExitCode::kUsage, "it does not exist, or is private",
            concat("Check the name '", repository.id, "' at ", page, "; if it is private, ",
                   to_get_a_token(settings), ".")};
  if (const auto seconds = retry_after_s(response); response.status == 429)
    return {
        ExitCode::kRetryable, "the Hub accepts no more requests for now",
        concat("Try again in ", seconds ? human_seconds(*seconds) : "a few minutes",
               settings.token.empty() ? "; with a token (HF_TOKEN) the limits are higher." : ".")};
  if (may_pass(response))
    return {ExitCode::kRetryable, "the server failed",
            concat("Try again later",
                   settings.endpoint == HubSettings().endpoint
                       ? ", and see https://status.huggingface.co"
                       : "",
                   "; HF_HUB_OFFLINE=1 uses only what is cached.")};
  return {ExitCode::kPermanent, "a Hub does not send that reply",
          concat("Check that HF_ENDPOINT ('", settings.endpoint, "') is the address of a Hub.")};
}

// What the server says, without what could disturb a terminal.
std::string server_message(const HttpResponse& response) {
  std::string message = response.header("x-error-message").substr(0, 200);
  std::erase_if(message, [](unsigned char c) { return c < ' ' || c == 127; });
  return message.empty() ? "" : concat(", \"", message, "\"");
}

}  // namespace

Error status_error(const HubSettings& settings, const Repository& repository,
                   const std::string& subject, const HttpResponse& response) {
  const Meaning meant = meaning(settings, repository, response);
  return Error(meant.code,
               concat(subject, ": ", meant.what, " (HTTP status ", response.status,
                      server_message(response), ")."),
               meant.hint);
}

Error content_error(const HubSettings& settings, const Repository& repository,
                    const std::string& subject, const HttpResponse& response) {
  const std::string origin = url_origin(response.url);
  if (response.status != 403 || origin == url_origin(settings.endpoint))
    return status_error(settings, repository, subject, response);
  return Error(ExitCode::kRetryable,
               concat(subject, ": the storage that the Hub sends to, ", origin,
                      ", refuses it (HTTP status 403)."),
               "Try again, which gives a new address; if it stays so, check this machine's clock, "
               "proxies and firewall.");
}

Error offline_error(const HubSettings& settings, const Repository& repository,
                    const std::string& subject, const std::string& path) {
  return Error(ExitCode::kPermanent,
               concat(subject, " is not in the cache '", settings.cache.string(),
                      "', and HF_HUB_OFFLINE forbids downloading it."),
               concat("Unset HF_HUB_OFFLINE; or, on a machine with a network, run 'hf download ",
                      download_arguments(repository), path.empty() ? "" : " " + path,
                      "' and copy its cache here."));
}

}  // namespace dtbench
