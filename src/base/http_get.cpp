#include "base/http_get.h"

#include "base/plugin.h"

namespace dtbench {

HttpAnswer http_get(const std::string& url, const std::string& bearer, double seconds) {
  void* entry = plugin_entry("libdtbench_hub.so", "dtbench_http_get", "The network cannot be used",
                             "Run ./dtbench in the source tree to build it.");
  HttpAnswer answer;
  reinterpret_cast<decltype(&dtbench_http_get)>(entry)(url, bearer, seconds, answer);
  return answer;
}

}  // namespace dtbench
