// Whether a server answers, without asking it for anything.
#pragma once

#include <optional>
#include <string>

namespace dtbench {

// Opens and closes a TCP connection to the host of `url` ("https://host[:port]/...", or http), or
// to the proxy that https_proxy (http_proxy) names. Returns why there is none, or nothing when the
// server answers. Takes at most about `seconds`, the look-up of the name included.
std::optional<std::string> unreachable(const std::string& url, double seconds);

}  // namespace dtbench
