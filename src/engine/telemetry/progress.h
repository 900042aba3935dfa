// The observer that tells a person how far a run is: one line rewritten in place on a terminal, a
// line now and then elsewhere. Standard error.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/train/events.h"

namespace dtbench {

class Progress : public TrainingObserver {
 public:
  // `first_step`: where this process starts; `steps`: where the run ends.
  Progress(std::int64_t first_step, std::int64_t steps);

  void on_step(const StepEvent& event) override;
  void on_evaluation(std::int64_t step, const Evaluation& evaluation, double seconds) override;
  void on_nonfinite(const NonFiniteEvent& event) override;

 private:
  void line(const std::string& text);
  void end_rewritten_line();

  std::int64_t first_step_, steps_;
  bool terminal_;
  double started_ = 0, last_shown_ = 0;
  bool rewriting_ = false;
};

}  // namespace dtbench
