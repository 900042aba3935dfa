// Addresses: quoting, origins, relative redirects.
#pragma once

#include <string>
#include <string_view>

namespace dtbench {

// Percent-encodes all but ASCII letters, digits, '_', '.', '-', '~' and the characters of `safe`
// (urllib.parse.quote).
std::string quote_url(std::string_view text, std::string_view safe = "");

// Scheme, host and port, "https://huggingface.co:443": what a token is for. Empty where `url` is no
// absolute http or https address.
std::string url_origin(const std::string& url);

// `reference` as seen from `base` (RFC 3986, section 5). Empty where it is none.
std::string resolve_url(const std::string& base, const std::string& reference);

// `url`'s path and query below `endpoint`, another address of the same server. Empty where either
// is none.
std::string at_endpoint(const std::string& url, const std::string& endpoint);

}  // namespace dtbench
