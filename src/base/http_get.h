// One request over the network, by the plug-in that links libcurl (src/hub).
#pragma once

#include <string>

namespace dtbench {

struct HttpAnswer {
  long status = 0;  // whatever it is; a redirect is not followed
  std::string body;
};

// GET, with `bearer` in the header Authorization, within so many seconds in all. Throws Error
// (permanent) when this build has no plug-in, std::runtime_error when there is no answer; neither
// names the bearer.
HttpAnswer http_get(const std::string& url, const std::string& bearer, double seconds);

}  // namespace dtbench

// What the plug-in exports.
extern "C" __attribute__((visibility("default"))) void dtbench_http_get(
    const std::string& url, const std::string& bearer, double seconds, dtbench::HttpAnswer& answer);
