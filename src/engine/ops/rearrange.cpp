#include "engine/ops/rearrange.h"

#include <ATen/ATen.h>

#include <vector>

namespace dtbench::ops {
namespace {

at::Tensor heads_split(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

at::Tensor heads_merged(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace

Value reshape(Tape& tape, const Value& x, at::IntArrayRef shape) {
  return tape.record(
      "reshape", {x}, x.tensor().reshape(shape),
      [before = x.sizes().vec()](Tensors dy) -> Tensors { return {dy[0].reshape(before)}; });
}

Value select_rows(Tape& tape, const Value& x, const at::Tensor& index) {
  return tape.record("select_rows", {x}, x.tensor().index_select(0, index),
                     [shape = x.sizes().vec(), index](Tensors dy) -> Tensors {
                       return {at::zeros(shape, dy[0].options()).index_add_(0, index, dy[0])};
                     });
}

Values split(Tape& tape, const Value& x, std::int64_t parts) {
  Tensors cut;
  for (const at::Tensor& part : x.tensor().split(x.size(-1) / parts, -1))
    cut.push_back(part);
  return tape.record("split", {x}, std::move(cut),
                     [](const Tensors& dy) -> Tensors { return {at::cat(dy, -1)}; });
}

Value split_heads(Tape& tape, const Value& x, std::int64_t heads) {
  return tape.record("split_heads", {x}, heads_split(x.tensor(), heads),
                     [](Tensors dy) -> Tensors { return {heads_merged(dy[0])}; });
}

Value merge_heads(Tape& tape, const Value& x) {
  return tape.record(
      "merge_heads", {x}, heads_merged(x.tensor()),
      [heads = x.size(1)](Tensors dy) -> Tensors { return {heads_split(dy[0], heads)}; });
}

}  // namespace dtbench::ops
