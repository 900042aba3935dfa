// The observer that writes a run's steps.jsonl and events.jsonl.
#pragma once

#include "engine/telemetry/conditions.h"
#include "engine/train/events.h"
#include "record/run_directory.h"

namespace dtbench {

class RecordWriter : public TrainingObserver {
 public:
  RecordWriter(RunDirectory& directory, ConditionsSampler& conditions)
      : directory_(directory), conditions_(conditions) {}

  void on_step(const StepEvent& event) override;
  void on_evaluation(std::int64_t step, const Evaluation& evaluation, double seconds) override;
  void on_validation_point(std::int64_t step, double loss, double seconds) override;
  void on_nonfinite(const NonFiniteEvent& event) override;

 private:
  RunDirectory& directory_;
  ConditionsSampler& conditions_;
};

}  // namespace dtbench
