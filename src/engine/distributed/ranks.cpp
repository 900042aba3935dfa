#include "engine/distributed/ranks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/distributed/gloo_backend.h"
#include "engine/numerics/plugin.h"

namespace dtbench {
namespace {

using std::chrono::milliseconds;

// Ranks are apart by what one does alone: a checkpoint of rank 0, a device that computes slower.
constexpr std::chrono::minutes kPatience{10};
// Machines start at different times, and prepare their data first.
constexpr std::chrono::minutes kMeeting{5};
// How long rank 0 keeps its store for others that are about to read it.
constexpr std::chrono::seconds kFarewell{3};

constexpr const char* kLeft = "left";

std::string words_of(int rank) {
  return concat("last_words/", rank);
}

// Of a library's message the first line: what follows is its own stack.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

c10::intrusive_ptr<c10d::Store> meet(const TorchrunRank& launched) {
  c10d::TCPStoreOptions options;
  options.port = launched.port;
  options.isServer = launched.rank == 0 && !launched.agent_listens;
  options.waitWorkers = false;
  options.timeout = kMeeting;
  auto store = c10::make_intrusive<c10d::TCPStore>(launched.address, options);
  // A restart must not read what the ranks before it wrote; as torch's own ranks do.
  return c10::make_intrusive<c10d::PrefixStore>(concat("/dtbench/attempt_", launched.attempt),
                                                std::move(store));
}

template <typename Meet>
auto or_nobody_came(const TorchrunRank& launched, const Meet& meet_them) {
  try {
    return meet_them();
  } catch (const std::exception& error) {
    throw Error(ExitCode::kRetryable,
                concat("Process ", launched.rank, " of ", launched.processes,
                       " could not meet the others at ", launched.address, ":", launched.port, ": ",
                       first_line(error.what())),
                "Start all of them within five minutes, on machines that reach each other.");
  }
}

// Flat bytes that share the tensor's memory: c10d's backends differ in the datatypes they know.
at::Tensor bytes_of(const at::Tensor& flat) {
  return flat.view(at::kByte);
}

}  // namespace

Ranks::Ranks(const TorchrunRank& launched)
    : store_(or_nobody_came(launched, [&] { return meet(launched); })),
      rank_(launched.rank),
      size_(launched.processes),
      local_rank_(launched.local_rank),
      keeps_store_(launched.rank == 0 && !launched.agent_listens),
      host_(
          or_nobody_came(launched, [&] { return gloo_backend(store_, rank_, size_, kMeeting); })) {
  host_->setTimeout(kPatience);
}

Ranks::Ranks(c10::intrusive_ptr<c10d::Store> store, int rank, int size)
    : store_(std::move(store)),
      rank_(rank),
      size_(size),
      host_(gloo_backend(store_, rank_, size_, kPatience)) {}

Ranks::~Ranks() {
  device_.reset();  // whoever waits for this rank finds out
  host_.reset();
  try {
    if (!keeps_store_) {
      store_->add(kLeft, 1);
      return;
    }
    const auto until = std::chrono::steady_clock::now() + kFarewell;
    while (store_->add(kLeft, 0) < size_ - 1 && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(milliseconds(20));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): nobody is left to be told
  }
}

void Ranks::use(const c10::Device& device) {
  if (device.is_cpu() || device_) return;
  device_ = cuda_plugin().collectives(store_, rank_, size_, kPatience);
}

c10d::Backend& Ranks::backend(const at::Tensor& tensor) {
  return tensor.is_cpu() ? *host_ : *device_;
}

template <typename Operation>
auto Ranks::or_lost(const Operation& operation) {
  try {
    return operation();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    lost(error.what());
  }
}

void Ranks::lost(const std::string& what) {
  std::optional<LostRank> told;
  try {
    for (int other = 0; other < size_ && !told; ++other) {
      if (!store_->check({words_of(other)})) continue;
      const std::vector<std::uint8_t> bytes = store_->get(words_of(other));
      const Json words = parse_json(std::string(bytes.begin(), bytes.end()));
      told.emplace(enum_from<Status>(words.at("status").get<std::string>()).value(),
                   static_cast<ExitCode>(words.at("code").get<int>()),
                   concat("process ", other, " of ", size_,
                          " ended: ", words.at("reason").get<std::string>()));
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the store went with its rank
  }
  if (told) throw LostRank(*told);
  throw LostRank(Status::kFailed, ExitCode::kRetryable,
                 concat("another process of this cell's ", size_, " was lost: ", first_line(what)));
}

void Ranks::tell(const LastWords& words) noexcept {
  try {
    const std::string text = Json({{"status", to_string(words.status)},
                                   {"code", static_cast<int>(words.code)},
                                   {"reason", words.reason}})
                                 .dump(-1, ' ', false, Json::error_handler_t::replace);
    store_->set(words_of(rank_), std::vector<std::uint8_t>(text.begin(), text.end()));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): they will see that it is gone
  }
}

void Ranks::gather_into(const at::Tensor& all, const at::Tensor& mine) {
  or_lost([&] {
    at::Tensor to = bytes_of(all), from = bytes_of(mine);
    backend(all)._allgather_base(to, from)->wait();
  });
}

Ranks::Exchange Ranks::exchange_parts(const at::Tensor& received, const at::Tensor& sent) {
  return or_lost([&] {
    at::Tensor to = bytes_of(received), from = bytes_of(sent);
    std::vector<std::int64_t> equal;
    return backend(sent).alltoall_base(to, from, equal, equal);
  });
}

void Ranks::wait(const Exchange& exchange) {
  or_lost([&] { exchange->wait(); });
}

bool Ranks::any(bool mine) {
  at::Tensor all = at::empty({size_}, at::kByte);
  gather_into(all, at::full({1}, mine ? 1 : 0, at::kByte));
  return all.any().item<bool>();
}

std::vector<std::string> Ranks::gather(const std::string& mine) {
  at::Tensor sizes = at::empty({size_}, at::kLong);
  gather_into(sizes, at::full({1}, static_cast<std::int64_t>(mine.size()), at::kLong));
  const std::int64_t longest = std::max<std::int64_t>(1, sizes.max().item<std::int64_t>());
  const at::Tensor padded = at::zeros({longest}, at::kByte);
  std::memcpy(padded.mutable_data_ptr(), mine.data(), mine.size());
  const at::Tensor all = at::empty({size_ * longest}, at::kByte);
  gather_into(all, padded);
  std::vector<std::string> texts;
  for (int other = 0; other < size_; ++other)
    texts.emplace_back(static_cast<const char*>(all.const_data_ptr()) + other * longest,
                       static_cast<std::size_t>(sizes[other].item<std::int64_t>()));
  return texts;
}

std::string Ranks::from_first(const std::string& text) {
  return gather(rank_ == 0 ? text : "").front();
}

void Ranks::copy_from_first(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return;
  const at::Tensor values = tensor.cpu().contiguous().reshape({-1});
  std::vector<at::Tensor> bytes = {bytes_of(values)};
  or_lost([&] { host_->broadcast(bytes)->wait(); });
  if (rank_ > 0) tensor.copy_(values.view(tensor.sizes()));
}

}  // namespace dtbench
