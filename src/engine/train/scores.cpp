#include "engine/train/scores.h"

#include <ATen/ATen.h>

#include <limits>
#include <vector>

#include "engine/train/evaluation.h"
#include "engine/train/metrics.h"

namespace dtbench {
namespace {

template <typename T>
void append(std::vector<T>& all, const at::Tensor& more) {
  const at::Tensor values = more.cpu().contiguous();
  const T* data = values.const_data_ptr<T>();
  all.insert(all.end(), data, data + values.numel());
}

class SingleLabelScores : public Scores {
 public:
  explicit SingleLabelScores(std::int64_t labels) : labels_(labels) {}

  void add(const at::Tensor& logits, const at::Tensor& targets) override {
    any_nan_ = any_nan_ || logits.isnan().any().item<bool>();
    append(predicted_, logits.argmax(-1));
    append(targets_, targets);
  }

  void score(Evaluation& evaluation) const override {
    if (any_nan_) {
      // The largest of NaNs would be the first label, the most frequent one: the constant answer.
      evaluation.accuracy = evaluation.f1_micro = evaluation.f1_macro =
          std::numeric_limits<double>::quiet_NaN();
      return;
    }
    const SingleLabelMetrics metrics = single_label_metrics(predicted_, targets_, labels_);
    evaluation.accuracy = metrics.accuracy;
    evaluation.f1_micro = metrics.f1_micro;
    evaluation.f1_macro = metrics.f1_macro;
  }

 private:
  std::int64_t labels_;
  bool any_nan_ = false;
  std::vector<std::int64_t> predicted_, targets_;
};

class MultiLabelScores : public Scores {
 public:
  explicit MultiLabelScores(std::int64_t labels) : labels_(labels) {}

  void add(const at::Tensor& logits, const at::Tensor& targets) override {
    append(logits_, logits.to(at::kFloat));
    append(truth_, targets.to(at::kByte));
  }

  void score(Evaluation& evaluation) const override {
    const MultiLabelMetrics metrics = multi_label_metrics(logits_, truth_, labels_);
    evaluation.f1_micro = metrics.f1_micro;
    evaluation.f1_macro = metrics.f1_macro;
    evaluation.average_precision_micro = metrics.average_precision_micro;
  }

 private:
  std::int64_t labels_;
  std::vector<float> logits_;
  std::vector<std::uint8_t> truth_;
};

}  // namespace

std::unique_ptr<Scores> single_label_scores(std::int64_t labels) {
  return std::make_unique<SingleLabelScores>(labels);
}

std::unique_ptr<Scores> multi_label_scores(std::int64_t labels) {
  return std::make_unique<MultiLabelScores>(labels);
}

}  // namespace dtbench
