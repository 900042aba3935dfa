#include "sweep/sweep_cell.h"

#include <algorithm>

namespace dtbench {

const char* to_string(CellState value) {
  switch (value) {
    case CellState::kWaiting:
      return "waiting";
    case CellState::kRunning:
      return "running";
    case CellState::kElsewhere:
      return "elsewhere";
    case CellState::kDone:
      return "done";
    case CellState::kFailed:
      return "failed";
    case CellState::kLeftOut:
      break;
  }
  return "left out";
}

bool SweepCell::ended() const {
  return state == CellState::kDone || state == CellState::kFailed || state == CellState::kLeftOut;
}

void SweepCell::fail(const std::string& why, ExitCode code) {
  state = CellState::kFailed;
  failure = why;
  failure_code = code;
}

std::size_t count(const std::vector<SweepCell>& cells, CellState state) {
  return static_cast<std::size_t>(std::count_if(
      cells.begin(), cells.end(), [state](const SweepCell& cell) { return cell.state == state; }));
}

std::size_t SweepProgress::count(CellState state) const {
  return dtbench::count(cells, state);
}

std::size_t SweepProgress::ended() const {
  return static_cast<std::size_t>(std::count_if(
      cells.begin(), cells.end(), [](const SweepCell& cell) { return cell.ended(); }));
}

}  // namespace dtbench
