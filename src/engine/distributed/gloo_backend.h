// Gloo, which libtorch_cpu carries: collective operations between CPUs over TCP.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace dtbench {

// Returns once all ranks are connected. GLOO_SOCKET_IFNAME chooses the network interface, as in
// torch. Throws what c10d throws when they are not within `timeout`, which also bounds each later
// operation.
c10::intrusive_ptr<c10d::Backend> gloo_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                               int rank, int size,
                                               std::chrono::milliseconds timeout);

}  // namespace dtbench
