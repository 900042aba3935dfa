// What torchrun tells each process that it starts, through the environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dtbench {

struct TorchrunRank {
  int rank = 0;  // 0 .. processes - 1
  int processes = 1;
  int local_rank = 0;   // among those of this machine: which GPU is its own
  std::string address;  // where all of them meet
  std::uint16_t port = 0;
  bool agent_listens = false;  // torchrun itself listens there; else rank 0 does
  std::string attempt = "0";   // torchrun counts its restarts
};

// RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT. Nothing for a process that is alone:
// WORLD_SIZE is not set, or is 1. Throws Error (usage) naming what is missing or no such number.
std::optional<TorchrunRank> torchrun_rank();

}  // namespace dtbench
