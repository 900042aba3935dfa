// Records as cells: which of them can say something, and why the others cannot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "record/run_directory.h"

namespace dtbench {

// A run that ended by itself, whole and readable.
struct Cell {
  std::filesystem::path path;
  std::string id;
  std::string scenario, policy;
  std::int64_t seed = 0;
  Json spec;
  Json identity;  // of audit.json
  Json result;
  // Where it was measured: records that do not say their session share the empty one of their card.
  std::string session, card;
  std::optional<StudyNote> study;  // of the study that trained it

  // A cell of a study counts for the hypotheses of its stages; any other cell for all.
  bool counts_for(const std::string& hypothesis) const;
  bool finite() const;     // to its last step
  bool trained() const;    // finite, and better than a constant answer (contract)
  bool completed() const;  // ran to the last step, whatever came of it
  std::optional<std::int64_t> first_nonfinite() const;  // its step, from 0
  bool died() const;  // met a non-finite value: in a step, or in its last evaluation alone
  std::int64_t steps_completed() const;
  bool synthetic() const;
  // A measured number by its JSON pointer into the result; none where it was not measured.
  std::optional<double> measured(const char* pointer) const;
};

// Why a record is left out.
enum class Exclusion {
  kDamaged,      // a file that cannot be read, or a field that is not what it must be
  kOtherSchema,  // written by a newer (or older) program
  kForeign,      // its cell id is not its spec's: moved together from several runs
  kDuplicate,    // the same cell a second time, in one session
  kRepeat,       // in another session: counts for speed alone
  kUnfinished,   // running or interrupted
  kSkipped,      // this and the next two: the result's status
  kOutOfMemory,
  kFailed,
};

const char* to_string(Exclusion value);  // "damaged", "other_schema", ...

struct ExcludedCell {
  std::filesystem::path path;
  Exclusion why;
  std::string reason;           // in words
  Json scenario, policy, seed;  // null where the record does not say
};

struct Cells {
  std::vector<Cell> used;
  std::vector<Cell> repeats;  // those excluded as kRepeat
  std::vector<ExcludedCell> excluded;
};

// Every record is either used or excluded.
Cells cells_of(const std::vector<RunRecord>& records);

}  // namespace dtbench
