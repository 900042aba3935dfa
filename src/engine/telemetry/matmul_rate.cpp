#include "engine/telemetry/matmul_rate.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/clock.h"
#include "engine/numerics/device.h"
#include "engine/ops/matmul.h"

namespace dtbench {
namespace {

constexpr double kShapeSeconds = 0.06;    // repetitions of one shape go on for so long
constexpr double kLongestSeconds = 0.25;  // of one matmul
constexpr double kRepetition = 0.002;     // matmuls are timed by as many as take so long
constexpr int kLeastRepetitions = 3;

double seconds_of(const std::function<void()>& work, int times, const c10::Device& device) {
  synchronize(device);
  const double started = steady_seconds();
  for (int i = 0; i < times; ++i)
    work();
  synchronize(device);
  return (steady_seconds() - started) / times;
}

// Of one call, the fastest repetition; the first call, which may choose kernels and touch pages, is
// left out.
double fastest(const std::function<void()>& work, const c10::Device& device) {
  const double first = seconds_of(work, 1, device);
  const double second = first > kLongestSeconds ? first : seconds_of(work, 1, device);
  const int times = static_cast<int>(std::clamp(std::ceil(kRepetition / second), 1.0, 1000.0));
  double best = std::numeric_limits<double>::infinity();
  const double started = steady_seconds();
  for (int i = 0; i < kLeastRepetitions || steady_seconds() - started < kShapeSeconds; ++i)
    best = std::min(best, seconds_of(work, times, device));
  return best;
}

// Random operands: of equal ones a power-limited GPU multiplies more, since fewer bits change.
double rate_of(const MatmulShape& shape, const at::TensorOptions& options) {
  const auto operand = [&](std::int64_t rows, std::int64_t columns) {
    return at::randn({rows, columns}, options);
  };
  const at::Tensor a = operand(shape.m, shape.k), b = operand(shape.k, shape.n);
  return shape.flops() / fastest([&] { ops::rounded_matmul(a, b); }, options.device());
}

}  // namespace

std::vector<MatmulShape> sweep_shapes(const c10::Device& device) {
  if (device.is_cuda())
    return {{1024, 1024, 1024}, {2048, 2048, 2048}, {4096, 4096, 4096},
            {16384, 768, 768},  {16384, 768, 3072}, {16384, 3072, 768},
            {32768, 768, 2304}, {4096, 768, 50257}, {8192, 8192, 8192}};
  return {{512, 128, 512},    {256, 256, 256},   {512, 512, 512},   {1024, 256, 1024},
          {1024, 1024, 1024}, {1024, 768, 3072}, {1024, 3072, 768}, {2048, 2048, 2048}};
}

Json sweep_matmuls(const c10::Device& device, at::ScalarType operands,
                   const std::vector<MatmulShape>& shapes) {
  Json sweep = Json::array();
  MatmulShape best_shape{};
  double best = 0;
  for (const MatmulShape& shape : shapes) {
    if (best > 0 && shape.flops() / best > kLongestSeconds) continue;
    const double rate = rate_of(shape, at::TensorOptions(device).dtype(operands));
    sweep.push_back({{"shape", {shape.m, shape.k, shape.n}}, {"flops_per_s", rate}});
    if (rate <= best) continue;
    best = rate;
    best_shape = shape;
  }
  return {{"flops_per_s", best},
          {"shape", {best_shape.m, best_shape.k, best_shape.n}},
          {"sweep", sweep}};
}

double copy_rate(const c10::Device& device) {
  const std::int64_t bytes = std::int64_t{device.is_cuda() ? 1024 : 128} << 20;
  const at::TensorOptions options = at::TensorOptions(device).dtype(at::kByte);
  const at::Tensor from = at::zeros({bytes}, options);
  at::Tensor to = at::zeros({bytes}, options);
  return 2 * static_cast<double>(bytes) / fastest([&] { to.copy_(from); }, device);
}

}  // namespace dtbench
