// Classification metrics, as scikit-learn defines them.
#pragma once

#include <cstdint>
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

}  // namespace dtbench
