#include "engine/numerics/finite.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <stdexcept>

#include "engine/numerics/largest_magnitude.h"
#include "engine/numerics/plugin.h"

namespace dtbench {
namespace {

// An exponent of all ones is a NaN or an infinity, in every IEEE format and in bf16: the largest
// magnitude, as an integer, tells whether there is one, and above infinity's bits it is a NaN.
template <typename Bits>
NonFinite scan(const at::Tensor& values, Bits infinity) {
  const auto* bits = static_cast<const Bits*>(values.const_data_ptr());
  std::atomic<bool> nan{false}, inf{false};
  constexpr std::int64_t kGrain = 1 << 16, kBlock = 1 << 12;
  at::parallel_for(0, values.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    // Block by block, so that a NaN does not hide an infinity elsewhere.
    for (std::int64_t at = begin; at < end; at += kBlock) {
      const Bits largest = kernels::largest_magnitude(bits + at, std::min(kBlock, end - at));
      if (largest > infinity) nan = true;
      if (largest == infinity) inf = true;
    }
  });
  return {nan, inf};
}

NonFinite scan_cpu(const at::Tensor& values) {
  switch (values.scalar_type()) {
    case at::kDouble:
      return scan<std::uint64_t>(values, 0x7ff0000000000000u);
    case at::kFloat:
      return scan<std::uint32_t>(values, 0x7f800000u);
    case at::kBFloat16:
      return scan<std::uint16_t>(values, 0x7f80u);
    case at::kHalf:
      return scan<std::uint16_t>(values, 0x7c00u);
    default:
      throw std::logic_error("find_nonfinite wants a floating datatype");
  }
}

// One for each tensor.
std::vector<NonFinite> scan_cuda(const std::vector<at::Tensor>& tensors) {
  const auto count = static_cast<std::int64_t>(tensors.size());
  at::Tensor flags = at::zeros({count}, tensors.front().options().dtype(at::kInt));
  for (std::int64_t i = 0; i < count; ++i) {
    at::Tensor flag = flags.narrow(0, i, 1);
    cuda_plugin().nonfinite_flags(tensors[static_cast<std::size_t>(i)].contiguous(), flag);
  }
  flags = flags.cpu();
  const std::span words(flags.const_data_ptr<int>(), tensors.size());
  std::vector<NonFinite> found;
  for (const int word : words)
    found.push_back({(word & 1) != 0, (word & 2) != 0});
  return found;
}

}  // namespace

NonFinite find_nonfinite(const at::Tensor& values) {
  return values.is_cuda() ? scan_cuda({values}).front() : scan_cpu(values.contiguous());
}

std::optional<NonFiniteTensor> find_first_nonfinite(const std::vector<at::Tensor>& tensors) {
  const bool on_gpu = !tensors.empty() && tensors.front().is_cuda();
  const std::vector<NonFinite> scanned = on_gpu ? scan_cuda(tensors) : std::vector<NonFinite>{};
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (const NonFinite found = on_gpu ? scanned[i] : find_nonfinite(tensors[i]))
      return NonFiniteTensor{i, found};
  return std::nullopt;
}

void flag_nonfinite(const std::vector<at::Tensor>& tensors, at::Tensor& flags) {
  for (const at::Tensor& tensor : tensors) {
    if (tensor.is_cuda()) {
      cuda_plugin().nonfinite_flags(tensor.contiguous(), flags);
    } else if (const NonFinite found = find_nonfinite(tensor)) {
      *flags.mutable_data_ptr<int>() |= (found.nan ? 1 : 0) | (found.infinity ? 2 : 0);
      return;
    }
  }
}

NonfiniteKind kind_of(const NonFinite& found) {
  return found.nan ? NonfiniteKind::kNan : NonfiniteKind::kInf;
}

}  // namespace dtbench
