#include "base/torchrun.h"

#include <charconv>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr int kMostProcesses = 1024;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string needed(const char* name) {
  std::string value = variable(name);
  if (value.empty())
    throw usage_error(
        concat("WORLD_SIZE is ", variable("WORLD_SIZE"), ", but ", name, " is not set."),
        "Start the processes with torchrun, which sets it, or unset WORLD_SIZE.");
  return value;
}

int number(const char* name, int least, int most) {
  const std::string text = needed(name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most)
    return value;
  throw usage_error(
      concat(name, " must be a whole number from ", least, " to ", most, ", got '", text, "'."),
      "Start the processes with torchrun, which sets it.");
}

}  // namespace

std::optional<TorchrunRank> torchrun_rank() {
  if (variable("WORLD_SIZE").empty()) return std::nullopt;
  TorchrunRank launched;
  launched.processes = number("WORLD_SIZE", 1, kMostProcesses);
  if (launched.processes == 1) return std::nullopt;
  launched.rank = number("RANK", 0, launched.processes - 1);
  launched.local_rank = number("LOCAL_RANK", 0, launched.rank);
  launched.address = needed("MASTER_ADDR");
  launched.port = static_cast<std::uint16_t>(number("MASTER_PORT", 1, 65535));
  launched.agent_listens = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (const std::string attempt = variable("TORCHELASTIC_RESTART_COUNT"); !attempt.empty())
    launched.attempt = attempt;
  return launched;
}

}  // namespace dtbench
