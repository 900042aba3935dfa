#include "hub/transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>

#include "base/ascii.h"
#include "base/program.h"
#include "base/text.h"

namespace dtbench {
namespace {

// Of bodies that stay in memory: listings come in pages of a thousand files.
constexpr std::size_t kLongestBody = std::size_t{64} << 20;

class HeaderList {
 public:
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  void add(const std::string& line) { list_ = curl_slist_append(list_, line.c_str()); }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// Writing to a connection that the other side closed raises SIGPIPE, which ends the process where
// TLS writes. Blocked in this thread, it is taken back before anyone sees it.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    pending_before_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipe() {
    const timespec at_once{};
    if (!pending_before_) sigtimedwait(&pipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;

 private:
  sigset_t pipe_{}, before_{};
  bool pending_before_ = false;
};

// What ends a connection or prevents one, as against what will be the same next time (certificates,
// addresses). Without a network nothing connects; where something did before, it may again.
TransferFailure::Kind kind_of(CURLcode code, bool connected) {
  using Kind = TransferFailure::Kind;
  constexpr std::array kUnconnected = {CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST,
                                       CURLE_COULDNT_CONNECT};
  constexpr std::array kPassing = {CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2,
                                   CURLE_HTTP2_STREAM,       CURLE_PARTIAL_FILE,
                                   CURLE_OPERATION_TIMEDOUT, CURLE_SSL_CONNECT_ERROR,
                                   CURLE_GOT_NOTHING,        CURLE_SEND_ERROR,
                                   CURLE_RECV_ERROR};
  const auto is_one_of = [code](const auto& codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
  };
  if (is_one_of(kUnconnected)) return connected ? Kind::kPassing : Kind::kOffline;
  return is_one_of(kPassing) ? Kind::kPassing : Kind::kLasting;
}

}  // namespace

std::string HttpResponse::header(const std::string& name_in_lower_case) const {
  const auto found = headers.find(name_in_lower_case);
  return found == headers.end() ? "" : found->second;
}

bool HttpResponse::is_redirect() const {
  return status >= 300 && status < 400 && headers.contains("location");
}

struct Transfer::Exchange {
  BodySink* sink;
  std::atomic<std::int64_t>& received;
  HttpResponse response;
  bool begun = false;
  std::exception_ptr error;  // of the sink: none may pass through C

  void begin() {
    if (begun || !sink || !response.ok()) return;
    begun = true;
    sink->begin(response);
  }

  void take(std::string_view bytes) {
    received += static_cast<std::int64_t>(bytes.size());
    begin();
    if (begun)
      sink->write(bytes);
    else if (response.body.size() + bytes.size() <= kLongestBody)
      response.body += bytes;
    else
      throw TransferFailure(concat("the reply is longer than ", human_bytes(kLongestBody)),
                            TransferFailure::Kind::kLasting);
  }
};

void add_header(HttpResponse& response, std::string_view line) {
  if (line.starts_with("HTTP/")) {  // of an interim reply, or of the final one
    response.headers.clear();
    response.status =
        std::strtol(std::string(line.substr(line.find(' ') + 1)).c_str(), nullptr, 10);
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    response.headers[lower_case(trimmed(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  }
}

std::size_t Transfer::take_header(char* bytes, std::size_t, std::size_t size, void* exchange) {
  add_header(static_cast<Exchange*>(exchange)->response, {bytes, size});
  return size;
}

std::size_t Transfer::take_body(char* bytes, std::size_t, std::size_t size, void* exchange) {
  auto& state = *static_cast<Exchange*>(exchange);
  try {
    state.take({bytes, size});
    return size;
  } catch (...) {
    state.error = std::current_exception();
    return 0;  // ends the transfer
  }
}

Transfer::Transfer(double connect_timeout_s, int stall_timeout_s, ByteCount received)
    : received_(std::move(received)) {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  curl_ = initialized == CURLE_OK ? curl_easy_init() : nullptr;
  if (!curl_) throw std::runtime_error("libcurl cannot be initialized");
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);  // signals belong to the process, not to a thread
  curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
  // Another list of authorities than the system's, as most programs take it.
  if (const char* authorities = std::getenv("SSL_CERT_FILE"))
    curl_easy_setopt(curl_, CURLOPT_CAINFO, authorities);
  curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout_s * 1000));
  // Waiting for a reply counts, too.
  curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_timeout_s));
  curl_easy_setopt(curl_, CURLOPT_USERAGENT, concat("dtbench/", program_version()).c_str());
  curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &Transfer::take_header);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Transfer::take_body);
}

Transfer::~Transfer() {
  curl_easy_cleanup(curl_);
}

HttpResponse Transfer::perform(const HttpRequest& request, BodySink* sink) {
  Exchange exchange{sink, *received_, {}, false, nullptr};
  exchange.response.url = request.url;
  HeaderList headers;
  // Sizes and ranges are those of the file, not of a compressed reply.
  headers.add("Accept-Encoding: identity");
  if (!request.bearer.empty()) headers.add("Authorization: Bearer " + request.bearer.reveal());
  if (request.range)
    headers.add(concat("Range: bytes=", request.range->first, "-",
                       request.range->last ? std::to_string(*request.range->last) : ""));
  std::array<char, CURL_ERROR_SIZE> message{};
  curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(curl_, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl_, CURLOPT_NOBODY, request.method == "HEAD" ? 1L : 0L);
  if (request.method == "GET") curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(request.within_s * 1000));
  curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &exchange);
  CURLcode code = CURLE_OK;
  {
    const NoBrokenPipe no_broken_pipe;
    code = curl_easy_perform(curl_);
  }
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, nullptr);
  if (exchange.error) std::rethrow_exception(exchange.error);
  if (code != CURLE_OK)
    throw TransferFailure(message[0] ? message.data() : curl_easy_strerror(code),
                          kind_of(code, connected_));
  connected_ = true;
  exchange.begin();  // a success without a body
  return exchange.response;
}

}  // namespace dtbench
