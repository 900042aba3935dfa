#include "hub/url.h"

#include <curl/curl.h>

#include <memory>

namespace dtbench {
namespace {

using CurlUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

CurlUrl new_url() {
  return {curl_url(), &curl_url_cleanup};
}

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

}  // namespace

std::string quote_url(std::string_view text, std::string_view safe) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string quoted;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos || safe.find(c) != std::string_view::npos) {
      quoted += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    quoted += '%';
    quoted += kHex[byte >> 4];
    quoted += kHex[byte & 15];
  }
  return quoted;
}

std::string url_origin(const std::string& url) {
  const CurlUrl parsed = new_url();
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "";
  const std::string scheme = part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return "";
  return scheme + "://" + part(parsed.get(), CURLUPART_HOST) + ":" +
         part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string resolve_url(const std::string& base, const std::string& reference) {
  const CurlUrl parsed = new_url();
  if (curl_url_set(parsed.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK) return "";
  if (curl_url_set(parsed.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK) return "";
  return part(parsed.get(), CURLUPART_URL);
}

std::string at_endpoint(const std::string& url, const std::string& endpoint) {
  const CurlUrl parsed = new_url(), origin = new_url();
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "";
  if (curl_url_set(origin.get(), CURLUPART_URL, endpoint.c_str(), 0) != CURLUE_OK) return "";
  std::string path = part(origin.get(), CURLUPART_PATH);  // a mirror may have one of its own
  while (path.ends_with('/'))
    path.pop_back();
  path += part(parsed.get(), CURLUPART_PATH);
  const std::string query = part(parsed.get(), CURLUPART_QUERY);
  curl_url_set(origin.get(), CURLUPART_PATH, path.c_str(), 0);
  curl_url_set(origin.get(), CURLUPART_QUERY, query.empty() ? nullptr : query.c_str(), 0);
  return part(origin.get(), CURLUPART_URL);
}

}  // namespace dtbench
