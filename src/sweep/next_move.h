// What a scheduling process decides: which cell a free place takes, when to look at what others do.
// Apart from files and engines, so that the cost model (bench/scale) decides by the same code in
// simulated time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "sweep/lease.h"
#include "sweep/sweep_cell.h"

namespace dtbench {

inline constexpr double kTick = 0.1;  // seconds between looks at its own engines
inline constexpr double kBeatsInALease = 6;
inline constexpr double kLeastSecondsBetweenLooks = 0.5;  // at what other processes do

// Who finds nothing to take looks at all cells of the others again and again. With a thousand of
// them on one file server that is at most a hundredth of its time, but often enough to see
// heartbeats.
inline double seconds_between_looks(double look_took, double lease_s) {
  constexpr double kRest = 100;
  return std::max(kLeastSecondsBetweenLooks, std::min(kRest * look_took, lease_s / kBeatsInALease));
}

enum class Move {
  kLeaveToOthers,
  kGiveUp,        // another process failed at it since this one began: it fails here, untried
  kLookAtRecord,  // another process had it: it may be finished
  kTake,
};

// Of a cell that waits here, or that another process had when it was last looked at. `old_lease`:
// the last that had ended before this process began.
inline Move next_move(CellState state, const LeaseView& lease, std::int64_t old_lease) {
  if (lease.standing == LeaseStanding::kHeld) return Move::kLeaveToOthers;
  const bool news = lease.number > old_lease;
  if (news && !lease.failure.empty()) return Move::kGiveUp;
  return news || state == CellState::kElsewhere ? Move::kLookAtRecord : Move::kTake;
}

enum class Taking { kTaken, kNotAvailable, kTooExpensive };

struct Choice {
  bool taken = false;
  bool too_expensive = false;  // a cell was
};

// Asks `ask(cell)` for the cells that may be had, in their order, until one is taken. A cell that
// is too expensive keeps those of later rounds waiting.
template <typename Cell, typename Ask>
Choice choose(std::vector<Cell>& cells, bool look_elsewhere, Ask ask) {
  std::optional<std::size_t> short_of_money;
  for (Cell& cell : cells) {
    const bool elsewhere = cell.state == CellState::kElsewhere && look_elsewhere;
    if (cell.state != CellState::kWaiting && !elsewhere) continue;
    if (short_of_money && cell.round > *short_of_money) break;
    const Taking answer = ask(cell);
    if (answer == Taking::kTaken) return {true, short_of_money.has_value()};
    if (answer == Taking::kTooExpensive) short_of_money = cell.round;
  }
  return {false, short_of_money.has_value()};
}

}  // namespace dtbench
