#include "hardware/reachable.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/text.h"

namespace dtbench {
namespace {

struct Endpoint {
  std::string host, port;
};

// scheme://[user@]host[:port][/...]; brackets around an IPv6 address.
Endpoint endpoint_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const bool plain = url.starts_with("http://");
  std::string place = scheme == std::string::npos ? url : url.substr(scheme + 3);
  place = place.substr(0, place.find_first_of("/?#"));
  if (const std::size_t user = place.rfind('@'); user != std::string::npos)
    place = place.substr(user + 1);
  const std::size_t colon = place.rfind(':'), bracket = place.rfind(']');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  std::string host = has_port ? place.substr(0, colon) : place;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, has_port ? place.substr(colon + 1) : plain ? "80" : "443"};
}

std::string proxy_for(const std::string& url) {
  // HTTP_PROXY may be a CGI request's header, so only the lower-case name counts there.
  const std::vector<const char*> variables = url.starts_with("http://")
                                                 ? std::vector{"http_proxy"}
                                                 : std::vector{"https_proxy", "HTTPS_PROXY"};
  for (const char* variable : variables) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  return "";
}

struct Addresses {
  addrinfo* first = nullptr;
  int error = 0;
  Addresses() = default;
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;
  ~Addresses() {
    if (first != nullptr) freeaddrinfo(first);
  }
};

// getaddrinfo knows no time limit, so it runs on a thread that is left behind when it takes longer.
std::shared_ptr<Addresses> look_up(const Endpoint& endpoint, double seconds) {
  std::promise<std::shared_ptr<Addresses>> promise;
  auto answer = promise.get_future();
  std::thread([endpoint, promise = std::move(promise)]() mutable {
    auto addresses = std::make_shared<Addresses>();
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addresses->error =
        getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &addresses->first);
    promise.set_value(std::move(addresses));
  }).detach();
  if (answer.wait_for(std::chrono::duration<double>(seconds)) != std::future_status::ready)
    return nullptr;
  return answer.get();
}

// 0, or the errno of what went wrong.
int connect_within(const addrinfo& address, double seconds) {
  const int descriptor =
      socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  int error = connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd waiting{descriptor, POLLOUT, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(seconds * 1e3));
    socklen_t size = sizeof error;
    if (ready <= 0)
      error = ETIMEDOUT;
    else
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  close(descriptor);
  return error;
}

}  // namespace

std::optional<std::string> unreachable(const std::string& url, double seconds) {
  const double deadline = steady_seconds() + seconds;
  const std::string proxy = proxy_for(url);
  const Endpoint endpoint = endpoint_of(proxy.empty() ? url : proxy);
  const std::string place =
      concat(proxy.empty() ? "" : "the proxy ", endpoint.host, ":", endpoint.port);
  const auto addresses = look_up(endpoint, seconds);
  if (addresses == nullptr) return concat("no answer for the address of ", place);
  if (addresses->error != 0)
    return concat("no address for ", place, ": ", gai_strerror(addresses->error));
  int error = ETIMEDOUT;
  for (const addrinfo* a = addresses->first; a != nullptr; a = a->ai_next) {
    const double left = deadline - steady_seconds();
    if (left <= 0) break;
    error = connect_within(*a, left);
    if (error == 0) return std::nullopt;
  }
  return concat("no connection to ", place, ": ", std::strerror(error));
}

}  // namespace dtbench
