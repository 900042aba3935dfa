#include "engine/optim/stored_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "engine/numerics/scalar_type.h"
#include "engine/optim/stored_values.h"
#include "engine/optim/sum_of_squares.h"

namespace dtbench {
namespace {

// sum_of(first, size) of each block, added up in the blocks' order, whatever the number of threads.
template <typename Sum>
double over_square_blocks(std::int64_t count, const Sum& sum_of) {
  constexpr std::int64_t kBlock = kernels::kSquareBlock, kGrain = 8;
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  at::parallel_for(0, blocks, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block)
      sums[static_cast<std::size_t>(block)] =
          sum_of(block * kBlock, std::min(kBlock, count - block * kBlock));
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

template <typename T>
double sum_of_squares(const at::Tensor& gradient) {
  const T* values = gradient.const_data_ptr<T>();
  return over_square_blocks(gradient.numel(), [&](std::int64_t first, std::int64_t size) {
    return kernels::sum_of_squares(values + first, size);
  });
}

double sum_of_widened_squares(const at::Tensor& gradient) {
  const StoredValues values(gradient);
  return over_square_blocks(gradient.numel(), [&](std::int64_t first, std::int64_t size) {
    alignas(64) std::array<float, kernels::kSquareBlock> wide;
    values.load(first, size, wide.data());
    return kernels::sum_of_squares(wide.data(), size);
  });
}

double sum_of_squares_on_cpu(const at::Tensor& gradient) {
  const at::Tensor dense = gradient.contiguous();
  if (dense.scalar_type() == at::kFloat) return sum_of_squares<float>(dense);
  if (dense.scalar_type() == at::kDouble) return sum_of_squares<double>(dense);
  return sum_of_widened_squares(dense);
}

// torch's reduction on a GPU adds up in a tree, whose error does not grow with the tensor.
at::Tensor norm_on_gpu(const std::vector<at::Tensor>& gradients) {
  std::vector<at::Tensor> norms;
  for (const at::Tensor& gradient : gradients)
    norms.push_back(at::linalg_vector_norm(gradient, 2, /*dim=*/c10::nullopt, /*keepdim=*/false,
                                           accumulation_type(gradient.scalar_type())));
  return at::linalg_vector_norm(at::stack(norms).to(at::kDouble), 2);
}

}  // namespace

at::Tensor stored_norm(const std::vector<at::Tensor>& gradients) {
  if (!gradients.empty() && gradients.front().is_cuda()) return norm_on_gpu(gradients);
  double squares = 0;
  for (const at::Tensor& gradient : gradients)
    squares += sum_of_squares_on_cpu(gradient);
  return at::full({}, std::sqrt(squares), at::kDouble);
}

}  // namespace dtbench
