#include "engine/ops/canary.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "base/error.h"
#include "base/philox.h"
#include "base/text.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"

namespace dtbench {
namespace {

constexpr std::int64_t kRows = 96, kInner = 256, kColumns = 80;
constexpr std::int64_t kBatch = 4, kHeads = 2, kTokens = 48, kHeadWidth = 64;

// Uniform in (0.5, 1.5) with all mantissa bits in use; the same on every device.
at::Tensor operand(std::uint32_t index, at::IntArrayRef shape, const c10::Device& device) {
  at::Tensor values = at::empty(shape, at::kFloat);
  float* data = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const PhiloxWords words =
        philox4x32_10({{static_cast<std::uint32_t>(i), index, 0, 0}}, {0, stream::kCanary});
    data[i] = static_cast<float>(0.5 + unit_open(words.v[0]));
  }
  return values.to(device);
}

struct Outcome {
  at::Tensor output;
  Tensors gradients;
};

// A gradient of the result with full mantissas, too: it is an operand of the backward matmuls.
using Upstream = std::function<at::Tensor(const at::Tensor& output)>;
using Operation = std::function<Outcome(const Tensors& operands, const Upstream& upstream)>;

struct Case {
  const char* name;
  Tensors operands;
  Operation run;
  double length;  // products in one sum, the largest over forward and backward
};

Outcome mm(const Tensors& x, const Upstream& upstream) {
  const at::Tensor y = at::mm(x[0], x[1]), dy = upstream(y);
  return {y, {at::mm(dy, x[1].t()), at::mm(x[0].t(), dy)}};
}

Outcome addmm(const Tensors& x, const Upstream& upstream) {
  const at::Tensor y = at::addmm(x[0], x[1], x[2]), dy = upstream(y);
  return {y, {dy.sum(0), at::mm(dy, x[2].t()), at::mm(x[1].t(), dy)}};
}

Outcome bmm(const Tensors& x, const Upstream& upstream) {
  const at::Tensor y = at::bmm(x[0], x[1]), dy = upstream(y);
  return {y, {at::bmm(dy, x[1].transpose(1, 2)), at::bmm(x[0].transpose(1, 2), dy)}};
}

Outcome attention(const Tensors& x, const Upstream& upstream) {
  const at::Tensor causal = ops::causal_mask(kTokens, {}, x[0].device());
  Tape tape(Tape::Mode::kDifferentiate);
  Values leaves;
  for (std::size_t i = 0; i < x.size(); ++i)
    leaves.push_back(tape.leaf(x[i], i, "operand"));
  const Value y = ops::attention(tape, leaves[0], leaves[1], leaves[2], causal);
  Outcome outcome{y.tensor(), Tensors(x.size())};
  tape.backward(y, upstream(y.tensor()), [&](std::size_t index, at::Tensor gradient) {
    outcome.gradients[index] = std::move(gradient);
  });
  return outcome;
}

std::vector<Case> cases(const c10::Device& device) {
  std::vector<Case> all;
  all.push_back({"mm",
                 {operand(0, {kRows, kInner}, device), operand(1, {kInner, kColumns}, device)},
                 mm,
                 kInner});
  all.push_back({"addmm",
                 {operand(2, {kColumns}, device), operand(3, {kRows, kInner}, device),
                  operand(4, {kInner, kColumns}, device)},
                 addmm,
                 kInner + 1});
  all.push_back({"bmm",
                 {operand(5, {kBatch, kRows, kInner}, device),
                  operand(6, {kBatch, kInner, kColumns}, device)},
                 bmm,
                 kInner});
  const std::vector<std::int64_t> heads = {kBatch, kHeads, kTokens, kHeadWidth};
  all.push_back({"attention",
                 {operand(7, heads, device), operand(8, heads, device), operand(9, heads, device)},
                 attention,
                 // Scores, softmax and values one after another; errors add.
                 kHeadWidth + 3 * kTokens});
  return all;
}

Outcome evaluate(const Case& one, at::ScalarType type, OperandFilter filter) {
  Tensors inputs;
  for (const at::Tensor& given : one.operands)
    inputs.push_back(filter(given).to(type));
  return one.run(inputs, [&](const at::Tensor& output) {
    return filter(operand(100, output.sizes(), output.device())).to(type);
  });
}

// Error relative to the largest exact value: all operands are positive and of order one, so sums of
// products are of the order of the sums of their magnitudes. Attention's gradients of queries and
// keys cancel, hence their scale is the largest of all gradients.
double relative_error(const Tensors& computed, const Tensors& exact) {
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error = std::max(error, (computed[i].to(at::kDouble) - exact[i]).abs().max().item<double>());
    scale = std::max(scale, exact[i].abs().max().item<double>());
  }
  return error / scale;
}

}  // namespace

at::Tensor keep_operand(const at::Tensor& operand) {
  return operand;
}

at::Tensor cut_to_tf32(const at::Tensor& operand) {
  // 23 - 10 = 13 bits go; adding half of the last kept bit, less one for ties to even, rounds.
  const at::Tensor bits = operand.contiguous().view(at::kInt);
  const at::Tensor last_kept = bits.bitwise_right_shift(13).bitwise_and(1);
  const at::Tensor rounded = (bits + 0xfff + last_kept).bitwise_and(~0x1fff);
  return rounded.view(at::kFloat);
}

std::vector<CanaryCheck> run_canary(const c10::Device& device, OperandFilter filter) {
  std::vector<CanaryCheck> checks;
  for (const Case& one : cases(device)) {
    const Outcome exact = evaluate(one, at::kDouble, keep_operand);
    const Outcome computed = evaluate(one, at::kFloat, filter);
    const double tolerance = reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, one.length);
    checks.push_back({std::string(one.name) + ".forward",
                      relative_error({computed.output}, {exact.output}), tolerance});
    checks.push_back({std::string(one.name) + ".backward",
                      relative_error(computed.gradients, exact.gradients), tolerance});
  }
  return checks;
}

void require_precision(const std::vector<CanaryCheck>& checks, bool tf32) {
  const auto cut = std::find_if(checks.begin(), checks.end(),
                                [](const CanaryCheck& check) { return !check.passed(); });
  if (tf32 && cut == checks.end())
    throw Error(ExitCode::kPermanent,
                "The policy requests TF32, but this device does not truncate matmuls to it.",
                "Unset NVIDIA_TF32_OVERRIDE, or use another torch build or driver.");
  if (!tf32 && cut != checks.end())
    throw Error(
        ExitCode::kPermanent,
        concat("The TF32 canary caught ", cut->operation, " on this device: error ", cut->error,
               ", fp32 allows ", cut->tolerance, "."),
        "Use another torch build or driver: this one does not compute fp32 matmuls in fp32.");
}

Json to_json(const std::vector<CanaryCheck>& checks) {
  Json json = Json::array();
  for (const CanaryCheck& check : checks)
    json.push_back({{"operation", check.operation},
                    {"error", json_number(check.error)},
                    {"tolerance", check.tolerance},
                    {"passed", check.passed()}});
  return json;
}

}  // namespace dtbench
