#include "engine/numerics/support.h"

#include <utility>

#include "base/text.h"
#include "engine/numerics/device.h"

namespace dtbench {
namespace {

// Tensor cores and arithmetic came with compute capabilities: fp16 with 5.3, bf16 and TF32
// with 8.0.
std::optional<std::string> unsupported_on_cuda(const DtypePolicy& policy,
                                               const c10::Device& device) {
  const Json capability = describe_device(device)["cuda"]["capability"];
  const int major = capability[0].get<int>(), minor = capability[1].get<int>();
  const auto lacks = [&](const char* what, int needed_major, int needed_minor) {
    return std::pair(major, minor) < std::pair(needed_major, needed_minor)
               ? std::optional(concat("the GPU has compute capability ", major, ".", minor,
                                      ", and ", what, " needs ", needed_major, ".", needed_minor))
               : std::nullopt;
  };
  if (policy.compute == Dtype::kBFloat16) return lacks("bf16", 8, 0);
  if (policy.compute == Dtype::kFloat16) return lacks("fp16", 5, 3);
  if (policy.tf32) return lacks("TF32", 8, 0);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> unsupported(const RunSpec& spec, const c10::Device& device) {
  if (device.is_cuda()) return unsupported_on_cuda(spec.policy, device);
  if (spec.policy.tf32) return "TF32 is a mode of CUDA's tensor cores";
  return std::nullopt;
}

}  // namespace dtbench
