// Where cells can run at the same time: a GPU each, or a part of the CPU's cores.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dtbench {

struct Slot {
  std::vector<std::string> environment;  // "NAME=VALUE", for the engine
  double share = 1;                      // of the device: what its time costs
};

// The GPUs of this machine as CUDA_VISIBLE_DEVICES names them: those of that variable where it is
// set, else one a device file (/dev/nvidia0, ...).
std::vector<std::string> visible_gpus(const std::string& devices = "/dev");

// `device` is the cells': "cpu": one slot, or `jobs` with the cores divided between them
// (OMP_NUM_THREADS, unless that is set already). "cuda": one a GPU, or `jobs` over the GPUs in
// turn. "cuda:N": one, or `jobs` on that GPU.
std::vector<Slot> make_slots(const std::string& device, std::optional<int> jobs);

}  // namespace dtbench
