#include "cli/notes.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "sweep/study_needs.h"

namespace dtbench {

void require_device_said(const ResolveRequest& request, const std::vector<const RunSpec*>& cells) {
  std::vector<const RunSpec*> large;
  for (const RunSpec* cell : cells)
    if (cell->preset == "base" && cell->device == "cpu") large.push_back(cell);
  if (large.empty() || is_given(request, "device")) return;
  const CpuHours needed = hours_on_a_cpu(large);
  throw usage_error(
      concat("Preset base is for a GPU, and no device is named. On this machine's CPU ",
             large.size() == 1 ? "the cell" : concat("its ", large.size(), " cells"),
             " would take some ", human_seconds(3600 * needed.hours), " (at ", needed.rests_on,
             ")."),
      "--device cuda for a GPU; --preset small for minutes on a CPU; --device cpu if you mean it.");
}

void note_long_warm_ups(const std::vector<const RunSpec*>& cells) {
  const RunSpec* first = nullptr;
  std::size_t count = 0;
  for (const RunSpec* cell : cells) {
    if (cell->train.steps >= cell->train.warmup_steps) continue;
    if (first == nullptr) first = cell;
    ++count;
  }
  if (first == nullptr) return;
  const TrainSpec& train = first->train;
  const double reached = static_cast<double>(train.steps) / static_cast<double>(train.warmup_steps);
  log_info(concat("the warm-up of ", train.warmup_steps, " steps is longer than the run of ",
                  train.steps, ": the learning rate ends at ", train.learning_rate * reached,
                  " instead of ", train.learning_rate,
                  cells.size() > 1 ? concat(" (", count, " of ", cells.size(), " cells)") : "",
                  "; --set train.warmup_steps=N shortens it"));
}

}  // namespace dtbench
