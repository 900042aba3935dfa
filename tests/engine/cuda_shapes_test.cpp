// The head and attention at shapes that a GPU treats apart: vocabularies that are no multiple of 8,
// several chunks of logits, blocks of rows, rows longer than the softmax kernel's. Each is held to
// fp64 on its own device; on the CPU the same checks run at smaller sizes.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "config/block_sizes.h"
#include "engine/cuda_device.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"
#include "engine/ops/lm_head_loss.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

double order_of_sums(std::int64_t length) {
  return reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, static_cast<double>(length));
}

at::Tensor fp64(const at::Tensor& x) {
  return x.detach().to(at::kDouble);
}

bool within(const at::Tensor& found, const at::Tensor& exact, const at::Tensor& bound) {
  return ((fp64(found) - exact).abs() <= bound).all().item<bool>();
}

struct Head {
  at::Tensor hidden, weight, bias, targets;
};

Head head(const c10::Device& device, std::int64_t rows, std::int64_t vocabulary) {
  at::manual_seed(21);
  const at::TensorOptions options(device);
  return {at::randn({rows, 16}, options).requires_grad_(),
          at::randn({vocabulary, 16}, options).requires_grad_(),
          at::randn({vocabulary}, options).requires_grad_(),
          at::randint(vocabulary, {rows}, options.dtype(at::kLong))};
}

void expect_fp64s_gradients(const Head& in) {
  const std::int64_t rows = in.hidden.size(0), vocabulary = in.weight.size(0);
  const at::Tensor loss = ops::lm_head_loss(in.hidden, in.weight, in.bias, in.targets,
                                            {static_cast<double>(rows), 1.0}, {});
  const auto found =
      torch::autograd::grad({loss}, {in.hidden, in.weight, in.bias}, {at::ones_like(loss)});

  const at::Tensor hidden = fp64(in.hidden), weight = fp64(in.weight), bias = fp64(in.bias);
  const at::Tensor log_softmax = at::log_softmax(at::addmm(bias, hidden, weight.t()), 1);
  const at::Tensor softmax = log_softmax.exp(), target = in.targets.unsqueeze(1);
  const at::Tensor onehot = at::zeros_like(softmax).scatter_(1, target, 1.0);
  const at::Tensor gradient = (softmax - onehot) / rows, magnitude = (softmax + onehot) / rows;
  // A logit's error moves its probability, and the sum that it is divided by, by as much,
  // relatively. Then exp, the difference to the largest (below 128) and the sums over rows or
  // vocabulary.
  const double logit = order_of_sums(17) *
                       at::addmm(bias.abs(), hidden.abs(), weight.abs().t()).max().item<double>();
  const double relative =
      2 * logit + 2 * 132 * 0x1p-24 + 2 * order_of_sums(std::max(rows, vocabulary));
  EXPECT_NEAR(loss.item<double>(), -log_softmax.gather(1, target).mean().item<double>(),
              2 * logit + 128 * 0x1p-24);
  EXPECT_TRUE(within(found[0], gradient.mm(weight), relative * magnitude.mm(weight.abs())));
  EXPECT_TRUE(within(found[1], gradient.t().mm(hidden), relative * magnitude.t().mm(hidden.abs())));
  EXPECT_TRUE(within(found[2], gradient.sum(0), relative * magnitude.sum(0)));
}

TEST(HeadShapes, OnTheCpuGradientsAreFp64s) {
  expect_fp64s_gradients(head(at::kCPU, 37, 2049));
}

TEST_F(Cuda, TheHeadsGradientsAreFp64sForAnOddVocabularyInSeveralChunks) {
  constexpr std::int64_t kRows = 3000, kVocabulary = 50257;
  ASSERT_LT(lm_head_chunk(kRows, kVocabulary, sizeof(float), kLmHeadBytesOnGpu), kRows);
  for (const std::int64_t rows : {std::int64_t{64}, kRows})
    for (const std::int64_t vocabulary : {kVocabulary, std::int64_t{50256}})
      expect_fp64s_gradients(head(device_, rows, vocabulary));
}

std::vector<at::Tensor> attend(const std::vector<at::Tensor>& operands, at::ScalarType type,
                               const at::Tensor& upstream, std::int64_t block_bytes) {
  std::vector<at::Tensor> inputs;
  for (const at::Tensor& operand : operands)
    inputs.push_back(operand.to(type).detach().requires_grad_());
  const at::Tensor causal = ops::causal_mask(upstream.size(2), {}, upstream.device());
  const at::Tensor output =
      ops::attention_in_blocks(inputs[0], inputs[1], inputs[2], causal, block_bytes);
  std::vector<at::Tensor> all = torch::autograd::grad({output}, inputs, {upstream.to(type)});
  all.push_back(output.detach());
  return all;
}

// As the canary: operands of order one, errors relative to the largest value.
void expect_fp64s_attention(const c10::Device& device, std::int64_t tokens,
                            std::int64_t block_bytes) {
  at::manual_seed(22);
  const auto draw = [&] { return at::rand({2, 2, tokens, 8}, at::TensorOptions(device)) + 0.5; };
  const std::vector<at::Tensor> operands = {draw(), draw(), draw()};
  const at::Tensor upstream = draw();
  const auto found = attend(operands, at::kFloat, upstream, block_bytes);
  const auto exact = attend(operands, at::kDouble, upstream, std::int64_t{1} << 40);
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error = std::max(error, (fp64(found[i]) - exact[i]).abs().max().item<double>());
    scale = std::max(scale, exact[i].abs().max().item<double>());
  }
  EXPECT_LE(error, order_of_sums(8 + 3 * tokens) * scale) << tokens << " tokens";
}

TEST(AttentionShapes, OnTheCpuBlocksOfRowsAreFp64s) {
  expect_fp64s_attention(at::kCPU, 40, 5 * 40 * 4);
}

TEST_F(Cuda, AttentionIsFp64sInBlocksOfRowsOfHeadsAndInLongRows) {
  expect_fp64s_attention(device_, 40, 5 * 40 * 4);   // rows
  expect_fp64s_attention(device_, 40, 40 * 40 * 4);  // heads
  for (const std::int64_t tokens : {130, 2048, 2100})
    expect_fp64s_attention(device_, tokens, kAttentionBlockBytesOnGpu);
}

}  // namespace
}  // namespace dtbench::testing
