// One HTTP exchange through libcurl: no redirect is followed and nothing tried again.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "hub/secret.h"

namespace dtbench {

// Bytes first to last, both included (RFC 9110, section 14.1.2); to the end without `last`.
struct ByteRange {
  std::int64_t first = 0;
  std::optional<std::int64_t> last;
};

struct HttpRequest {
  std::string method = "GET";  // or HEAD
  std::string url;
  Secret bearer;  // empty: no Authorization header
  std::optional<ByteRange> range;
  double within_s = 0;  // for the whole exchange; 0: as long as bytes come
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; the last of repeated ones
  std::string body;  // of a reply that is no success; of a success when no sink took it
  std::string url;   // that answered

  // "" where there is none.
  std::string header(const std::string& name_in_lower_case) const;
  bool ok() const { return status >= 200 && status < 300; }
  bool is_redirect() const;  // with somewhere to go
};

// Takes a line of a reply's head: its status, which begins the headers anew, or a header.
void add_header(HttpResponse& response, std::string_view line);

// Takes the body of a success (2xx). What it throws ends the transfer and comes out of it.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual void begin(const HttpResponse& head) = 0;
  virtual void write(std::string_view bytes) = 0;
};

// There was no reply, or not all of it.
class TransferFailure : public std::runtime_error {
 public:
  enum class Kind {
    kLasting,  // the same next time
    kOffline,  // no connection was ever made: the network is not there, and seconds change nothing
    kPassing   // another try at once may succeed
  };
  TransferFailure(const std::string& what, Kind kind) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// How many bytes of bodies came over the network, over several transfers.
using ByteCount = std::shared_ptr<std::atomic<std::int64_t>>;

// Keeps connections open between exchanges. For one thread at a time.
class Transfer {
 public:
  Transfer(double connect_timeout_s, int stall_timeout_s, ByteCount received);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Returns whatever the status is. Throws TransferFailure.
  HttpResponse perform(const HttpRequest& request, BodySink* sink = nullptr);

 private:
  struct Exchange;
  static std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* exchange);
  static std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* exchange);

  void* curl_;
  ByteCount received_;
  bool connected_ = false;  // once, to whichever host
};

}  // namespace dtbench
