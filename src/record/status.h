// How a run ended, in the words of result.json (docs/record-schema.md; the contract says what they
// mean). Everything that asks for them asks here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "config/enum_names.h"
#include "record/phase.h"

namespace dtbench {

struct RunRecord;

// How the process ended.
enum class Status { kCompleted, kDiverged, kSkipped, kOutOfMemory, kInterrupted, kFailed };
constexpr auto names_of(Status) {
  return std::array{EnumName{Status::kCompleted, "completed"},
                    EnumName{Status::kDiverged, "diverged"},
                    EnumName{Status::kSkipped, "skipped"},
                    EnumName{Status::kOutOfMemory, "out_of_memory"},
                    EnumName{Status::kInterrupted, "interrupted"},
                    EnumName{Status::kFailed, "failed"}};
}

// What the training did.
enum class Outcome { kTrained, kStalled, kDivergedFinite, kNonfinite };
constexpr auto names_of(Outcome) {
  return std::array{EnumName{Outcome::kTrained, "trained"}, EnumName{Outcome::kStalled, "stalled"},
                    EnumName{Outcome::kDivergedFinite, "diverged_finite"},
                    EnumName{Outcome::kNonfinite, "nonfinite"}};
}

// The cell was trained to its end, be that a NaN: its results count.
constexpr bool is_final(Status status) {
  return status == Status::kCompleted || status == Status::kDiverged;
}

// Another run of the cell on this device would only repeat it.
constexpr bool is_whole(Status status) {
  return is_final(status) || status == Status::kSkipped;
}

struct FirstNonfinite {
  std::int64_t step = 0;
  std::optional<Phase> phase;  // where it arose
  std::optional<NonfiniteKind> kind;
  std::string tensor;
};

// What every result says.
struct RunResult {
  Status status = Status::kFailed;
  std::string reason;  // "" where there is nothing to say
  std::optional<Outcome> outcome;
  std::int64_t steps_completed = 0;
  std::optional<FirstNonfinite> first_nonfinite;
  std::optional<double> wall_s;
};

// Nothing where there is no result, or its status is none of ours.
std::optional<RunResult> read_result(const Json& result);
std::optional<Status> status_of(const RunRecord& run);
bool is_final(const RunRecord& run);
bool is_whole(const RunRecord& run);

}  // namespace dtbench
