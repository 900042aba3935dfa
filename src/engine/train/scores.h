// What a task is judged by besides its loss, over the documents of a validation split.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace dtbench {

struct Evaluation;

class Scores {
 public:
  virtual ~Scores() = default;
  // Of some documents: logits [B, outputs] in the compute datatype and the task's targets.
  virtual void add(const at::Tensor& logits, const at::Tensor& targets) = 0;
  // Of all that was added.
  virtual void score(Evaluation& evaluation) const = 0;
};

// train/metrics.h, of `labels` labels. Single label: all are NaN when a logit is.
std::unique_ptr<Scores> single_label_scores(std::int64_t labels);
std::unique_ptr<Scores> multi_label_scores(std::int64_t labels);

}  // namespace dtbench
