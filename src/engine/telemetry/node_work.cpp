#include "engine/telemetry/node_work.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>

namespace dtbench {
namespace {

double count_of(const at::Tensor& x) {
  return static_cast<double>(x.numel());
}

double bytes_of_all(at::TensorList tensors) {
  double bytes = 0;
  for (const at::Tensor& x : tensors)
    bytes += bytes_of(x);
  return bytes;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_view(at::TensorList in, at::TensorList out) {
  return in[0].defined() && out[0].is_alias_of(in[0]);
}

// A forward product, and in the backward pass one for each operand.
double product_flops(const Node& node, at::TensorList in, at::TensorList out) {
  constexpr double kProducts = 3;
  if (is_one_of(node.operation, {"linear", "conv1d"}))
    return kProducts * 2 * count_of(in[0]) * static_cast<double>(out[0].size(-1));
  if (node.operation == "lm_head_loss")
    return kProducts * 2 * count_of(in[0]) * static_cast<double>(in[1].size(0));
  if (node.operation == "attention")  // query key^T, and the probabilities times value
    return kProducts * 2 * 2 * count_of(in[0]) * static_cast<double>(in[1].size(2));
  return 0;
}

}  // namespace

double bytes_of(const at::Tensor& x) {
  return x.defined() ? static_cast<double>(x.nbytes()) : 0;
}

NodeWork node_work(const Node& node, at::TensorList in, at::TensorList out) {
  const double given = bytes_of_all(in), made = bytes_of_all(out);
  NodeWork work{product_flops(node, in, out), 0};
  if (is_view(in, out)) return work;
  // Of a table the rows that are asked for; its gradient is dense.
  if (is_one_of(node.operation, {"embedding", "select_rows"})) {
    work.bytes = 3 * made + given;
    return work;
  }
  // The gradients are made in the pass that makes the loss.
  if (node.operation == "lm_head_loss") {
    work.bytes = 2 * given;
    return work;
  }
  work.bytes = 2 * (given + made);
  if (is_one_of(node.operation, {"linear", "conv1d", "attention", "layer_norm", "gelu"}))
    work.bytes += given;  // read again in the backward pass
  return work;
}

}  // namespace dtbench
