#include "hardware/reachable.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace dtbench {
namespace {

// A socket of this machine that listens, or that is bound and does not.
class Server {
 public:
  explicit Server(bool listening) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket_, any, size) != 0) throw std::runtime_error("no port on the loopback");
    if (listening) listen(socket_, 1);
    getsockname(socket_, any, &size);
    port_ = ntohs(address.sin_port);
  }
  ~Server() { close(socket_); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string place() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_ = 0;
};

class Reachable : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* variable : {"http_proxy", "https_proxy", "HTTPS_PROXY"})
      unsetenv(variable);
  }
  void TearDown() override { unsetenv("https_proxy"); }
};

TEST_F(Reachable, AServerThatListensIs) {
  const Server server(true);
  EXPECT_EQ(unreachable("https://" + server.place() + "/models?x=1", 5), std::nullopt);
  EXPECT_EQ(unreachable("http://user:word@" + server.place(), 5), std::nullopt);
}

TEST_F(Reachable, AClosedPortIsNot) {
  const Server closed(false);
  const auto reason = unreachable("https://" + closed.place(), 5);
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("no connection to " + closed.place()), std::string::npos) << *reason;
}

// RFC 2606: names below .invalid have no address, on any network.
TEST_F(Reachable, ANameWithoutAnAddressIsNot) {
  const auto reason = unreachable("https://hub.invalid", 5);
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("hub.invalid:443"), std::string::npos) << *reason;
}

TEST_F(Reachable, AProxyIsAskedInTheServersPlace) {
  const Server proxy(true);
  setenv("https_proxy", ("http://" + proxy.place()).c_str(), 1);
  EXPECT_EQ(unreachable("https://hub.invalid", 5), std::nullopt);
}

}  // namespace
}  // namespace dtbench
