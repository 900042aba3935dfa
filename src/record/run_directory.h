// A run's directory: the only truth about a cell. Append-only line files, everything else atomic,
// readable while the run goes on. The schema is docs/record-schema.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "record/study_note.h"

namespace dtbench {

inline constexpr int kSchemaVersion = 1;

class LineFile;
class RunLock;

// The writer's side. One process at a time: the constructor takes a lock that ends with the
// process, and mends what a killed writer left: a last line without its end is dropped, temporary
// files are removed.
class RunDirectory {
 public:
  // Creates `path` if needed. Throws Error (retryable) when another process holds the lock.
  explicit RunDirectory(const std::filesystem::path& path);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoint() const { return path_ / "checkpoint"; }

  void write_spec(const Json& spec);
  void write_audit(const Json& audit);
  // Each line is written whole by one write(2); when the disk is full, not at all (retryable).
  void append_step(const Json& step);
  // Adds "at" (UTC) to the event.
  void append_event(Json event);
  // Written last; result.json is there only when the run has ended.
  void write_result(const Json& result);
  void remove_result();
  void write_profile(const Json& profile);  // after the result
  void append_health(const Json& line);     // has "step", no smaller than that of the line before
  // For a run that resumes at `step`: drops the lines of steps from there on. Lines before them
  // stay as they are, damaged ones too.
  void drop_health_from(std::int64_t step);

  // Bytes of steps.jsonl so far, on the disk with health.jsonl when this returns (a checkpoint
  // remembers it), and the way back to that place. Throws Error when steps.jsonl is shorter than
  // `size`.
  std::uint64_t steps_size() const;
  void truncate_steps(std::uint64_t size);

 private:
  std::filesystem::path path_;
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<LineFile> steps_;
  std::unique_ptr<LineFile> events_;
  std::unique_ptr<LineFile> health_;  // from its first line on
};

// The reader's side: never locks, tolerates a last line that is still being written.
struct RunRecord {
  std::filesystem::path path;
  Json spec, audit, result;           // null where the file is not there yet
  std::optional<StudyNote> study;     // of a cell that a study trained
  std::optional<std::string> damage;  // what of the record cannot be read, if so
};
// Which of a record's files are read: an overview of thousands of runs needs spec and result, and
// looks for damage in those alone.
enum class RecordFiles { kAll, kSpecAndResult };

// Of each JSON file and line of a record: somebody else may have written it, and hundreds are read
// at a time. The largest there are, explanations, have some thousand values.
inline constexpr JsonLimits kRecordLimits{.values = 200'000};

// Damage is described, never thrown.
RunRecord read_run(const std::filesystem::path& path, RecordFiles files = RecordFiles::kAll);
// The same cells once more, timed in another session (docs/study.md): <root>/session-2/<cell id>.
inline constexpr const char* kSessionFolder = "session-";

// Sorted by start, then id, those of further sessions among them. Read by all cores.
std::vector<RunRecord> read_runs(const std::filesystem::path& root,
                                 RecordFiles files = RecordFiles::kAll);
// Steps, events or health: the lines that can be read, none where the file is not there; a last
// line without its end is still being written and left out. RunRecord::damage tells of a line that
// cannot be read.
std::vector<Json> read_lines(const std::filesystem::path& jsonl);
bool is_running(const std::filesystem::path& path);  // its lock is held

// Moves a record out of the way, to <path>.replaced-<UTC time>, and returns where it is now;
// read_runs passes over such records. Throws Error (retryable) while the run is running.
std::filesystem::path set_aside(const std::filesystem::path& path);
bool is_set_aside(const std::filesystem::path& path);

}  // namespace dtbench
