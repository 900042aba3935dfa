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

// Cells of a kind differ only in what changes no step's duration: seed, number of steps and of
// evaluations, and AdamW's numbers.
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
