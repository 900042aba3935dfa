// Classification metrics, as scikit-learn defines them with its defaults: a quotient 0/0 is 0.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dtbench {

struct SingleLabelMetrics {
  double accuracy;  // equals F1 micro when every document has one label and one prediction
  double f1_micro;
  double f1_macro;  // mean of F1 over the labels that occur among the targets
};

// Predicted and true label of each document, same length, at least one.
SingleLabelMetrics single_label_metrics(const std::vector<std::int64_t>& predicted,
                                        const std::vector<std::int64_t>& targets,
                                        std::int64_t labels);

struct MultiLabelMetrics {
  double f1_micro;
  double f1_macro;  // mean of F1 over the labels that a document has
  double average_precision_micro;
};

// `logits` and `truth` (1 for a document's labels, else 0): [documents x labels], row by row. A
// label is predicted when its logit is above 0. All are NaN when a logit is. Time O(n log p) for n
// entries of which p are true, memory O(p + labels).
MultiLabelMetrics multi_label_metrics(std::span<const float> logits,
                                      std::span<const std::uint8_t> truth, std::int64_t labels);

// 2 hits / (predicted + true), 0 when there is neither.
double f1_score(double hits, double predicted, double truth);

// Entries that no threshold tells apart: how many, and how many of them are true.
struct ScoreGroup {
  double entries = 0, positives = 0;
};
// Average precision of groups by descending score: sum of precision x gain in recall. 0 without
// positives.
double average_precision(std::span<const ScoreGroup> groups);

}  // namespace dtbench
