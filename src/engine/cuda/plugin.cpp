// Registers the CUDA implementations with the engine that loads this plug-in.
#include "engine/numerics/plugin.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <array>
#include <cstring>
#include <memory>

#include "engine/cuda/kernels.h"
#include "engine/cuda/nccl_backend.h"

namespace dtbench {
namespace {

Json describe_device(int index) {
  cudaDeviceProp properties{};
  C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
  int driver = 0, runtime = 0;
  C10_CUDA_CHECK(cudaDriverGetVersion(&driver));
  C10_CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  return {{"name", properties.name},
          {"capability", {properties.major, properties.minor}},
          {"memory_bytes", properties.totalGlobalMem},
          {"multiprocessors", properties.multiProcessorCount},
          {"driver", driver},
          {"runtime", runtime}};
}

DeviceStatistics peak_memory(int index) {
  const auto statistics =
      c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(index));
  const auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return {statistics.allocated_bytes[all].peak, statistics.reserved_bytes[all].peak};
}

void synchronize(int index) {
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(index));
  c10::cuda::device_synchronize();
}

std::array<unsigned char, 16> uuid(int index) {
  cudaDeviceProp properties{};
  C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
  std::array<unsigned char, 16> bytes{};
  static_assert(sizeof properties.uuid.bytes == bytes.size());
  std::memcpy(bytes.data(), properties.uuid.bytes, bytes.size());
  return bytes;
}

std::string pci_bus_id(int index) {
  char id[32] = "";
  C10_CUDA_CHECK(cudaDeviceGetPCIBusId(id, sizeof id, index));
  return id;
}

struct Timer {
  cudaEvent_t start = nullptr, end = nullptr;
};

void* start_timer(int index) {
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(index));
  auto timer = std::make_unique<Timer>();
  C10_CUDA_CHECK(cudaEventCreate(&timer->start));
  C10_CUDA_CHECK(cudaEventCreate(&timer->end));
  C10_CUDA_CHECK(cudaEventRecord(timer->start, c10::cuda::getCurrentCUDAStream()));
  return timer.release();
}

void stop_timer(void* handle, int index) {
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(index));
  C10_CUDA_CHECK(
      cudaEventRecord(static_cast<Timer*>(handle)->end, c10::cuda::getCurrentCUDAStream()));
}

double timer_seconds(void* handle) {
  const std::unique_ptr<Timer> timer(static_cast<Timer*>(handle));
  float milliseconds = 0;
  C10_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, timer->start, timer->end));
  C10_CUDA_CHECK(cudaEventDestroy(timer->start));
  C10_CUDA_CHECK(cudaEventDestroy(timer->end));
  return double{milliseconds} / 1e3;
}

void refuse_waiting(bool refuse) {
  c10::cuda::warning_state().set_sync_debug_mode(refuse ? c10::cuda::SyncDebugMode::L_ERROR
                                                        : c10::cuda::SyncDebugMode::L_DISABLED);
}

constexpr const char* kSourceRevision =
#include "revision.inc"
    ;

const bool kRegistered = [] {
  register_cuda_plugin({kSourceRevision,
                        DTBENCH_NVCC,
                        DTBENCH_CUDA_FLAGS,
                        dropout_cuda,
                        attention_softmax_cuda,
                        attention_softmax_backward_cuda,
                        cross_entropy_cuda,
                        nonfinite_flags_cuda,
                        decide_update_cuda,
                        end_update_cuda,
                        clip_gradient_cuda,
                        adamw_cuda,
                        adamw_8bit_cuda,
                        describe_device,
                        peak_memory,
                        synchronize,
                        pci_bus_id,
                        uuid,
                        start_timer,
                        stop_timer,
                        timer_seconds,
                        refuse_waiting,
                        nccl_backend});
  return true;
}();

}  // namespace
}  // namespace dtbench
