// How long a cell will take, from those of its kind that were trained before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "config/run_spec.h"
#include "record/run_directory.h"

namespace dtbench {

// What a cell's time is made of. `overhead_s` holds everything that is done once: starting,
// reading, comparing with peaks, ending.
struct CellTime {
  double overhead_s = 0, step_s = 0, evaluation_s = 0;

  double seconds(const TrainSpec& train, std::int64_t steps) const;
};

// Cells are of one kind if they differ only in what changes no step's duration: seed, and of
// `train` steps, eval_every, warmup_steps, learning_rate, beta1, beta2, weight_decay, clip_norm and
// on_nonfinite. Everything else must be equal: scenario, preset, model, data, policy, device and
// the rest of `train`, such as batch and eval_examples.
std::string kind_of(const RunSpec& spec);

class Predictor {
 public:
  // A record that came to its end (others are passed over). `wall_s`: of its processes, where that
  // was counted; else what the record says.
  void learn(const RunSpec& spec, const RunRecord& record, std::optional<double> wall_s);

  // The mean over the records of its kind; nothing where there is none.
  std::optional<CellTime> time(const RunSpec& spec) const;
  std::optional<double> seconds(const RunSpec& spec) const;

 private:
  struct Sum {
    CellTime total;
    int records = 0;
  };
  std::map<std::string, Sum> kinds_;
};

}  // namespace dtbench
