#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"
#include "record/run_directory.h"
#include "record/run_lock.h"
#include "record/step_columns.h"

namespace dtbench {
namespace {

constexpr std::array kFilesOfARun = {"spec.json", "audit.json", "steps.jsonl", "events.jsonl",
                                     "result.json"};

class Damage {
 public:
  void add(const std::string& what) { all_.push_back(what); }
  std::optional<std::string> text() const {
    return all_.empty() ? std::nullopt : std::optional(join(all_, "; "));
  }

 private:
  std::vector<std::string> all_;
};

Json read_object(const std::filesystem::path& path, Damage& damage) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return nullptr;
  try {
    Json value = read_json_file(path, kRecordLimits);
    if (value.is_object()) return value;
    damage.add(path.filename().string() + ": not a JSON object");
  } catch (const std::exception& fault) {
    damage.add(fault.what());
  }
  return nullptr;
}

std::optional<StudyNote> read_study_note(const std::filesystem::path& path, Damage& damage) {
  const Json note = read_object(path, damage);
  if (note.is_null()) return std::nullopt;
  try {
    return study_note_from_json(note, path.filename().string());
  } catch (const Error& error) {
    damage.add(error.what());
    return std::nullopt;
  }
}

void check_version(const char* file, const Json& object, Damage& damage) {
  if (object.is_null()) return;
  const Json version = object.value("schema_version", Json());
  if (version != kSchemaVersion)
    damage.add(concat(file, ": schema_version is ", version.dump(), ", this program reads ",
                      kSchemaVersion));
}

bool is_run(const std::filesystem::path& path) {
  std::error_code error;
  return std::any_of(kFilesOfARun.begin(), kFilesOfARun.end(),
                     [&](const char* file) { return std::filesystem::exists(path / file, error); });
}

void check_lines(const std::filesystem::path& path, Damage& damage) {
  for (const char* file : {"steps.jsonl", "events.jsonl", "health.jsonl"})
    try {
      if (const auto fault = damaged_line(path / file)) damage.add(*fault);
    } catch (const Error& error) {
      damage.add(error.what());
    }
}

// Calls work(i) for i below `count`, on all cores.
void on_all_cores(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++)
      work(i);
  };
  std::vector<std::jthread> others;
  for (unsigned core = 1; core < std::thread::hardware_concurrency() && core < count; ++core)
    others.emplace_back(take);
  take();
}

// When a run started: its result says so, and before that its first event.
std::string started_at(const RunRecord& run) {
  const auto text = [](const Json& object, const char* key) {
    return text_or(object.is_object() ? object.value(key, Json()) : Json(), "");
  };
  std::string from_result = text(run.result, "started_at");
  if (!from_result.empty()) return from_result;
  try {
    const std::vector<Json> events = read_lines(run.path / "events.jsonl");
    return events.empty() ? "" : text(events.front(), "at");
  } catch (const Error&) {
    return "";  // what cannot be read is among the damage where all files are looked at
  }
}

bool is_session(const std::filesystem::path& path) {
  return path.filename().string().starts_with(kSessionFolder);
}

std::vector<std::filesystem::path> run_paths(const std::filesystem::path& root, bool sessions) {
  std::vector<std::filesystem::path> paths;
  std::error_code error, gone;
  for (std::filesystem::directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->is_directory(gone)) continue;
    if (is_run(entry->path()) && !is_set_aside(entry->path())) {
      paths.push_back(entry->path());
    } else if (sessions && is_session(entry->path())) {
      const auto more = run_paths(entry->path(), false);
      paths.insert(paths.end(), more.begin(), more.end());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) throw unreadable(root, error);
  return paths;
}

}  // namespace

RunRecord read_run(const std::filesystem::path& path, RecordFiles files) {
  RunRecord run;
  run.path = path;
  Damage damage;
  run.spec = read_object(path / "spec.json", damage);
  if (files == RecordFiles::kAll) run.audit = read_object(path / "audit.json", damage);
  run.result = read_object(path / "result.json", damage);
  run.study = read_study_note(path / kStudyFile, damage);
  if (!std::filesystem::exists(path / "spec.json")) damage.add("spec.json is missing");
  check_version("audit.json", run.audit, damage);
  check_version("result.json", run.result, damage);
  if (files == RecordFiles::kAll) check_lines(path, damage);
  run.damage = damage.text();
  return run;
}

std::vector<RunRecord> read_runs(const std::filesystem::path& root, RecordFiles files) {
  const std::vector<std::filesystem::path> paths = run_paths(root, true);
  std::vector<std::pair<std::string, RunRecord>> runs(paths.size());
  on_all_cores(paths.size(), [&](std::size_t i) {
    runs[i].second = read_run(paths[i], files);
    runs[i].first = started_at(runs[i].second);
  });
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.path) < std::tie(b.first, b.second.path);
  });
  std::vector<RunRecord> sorted;
  for (auto& [start, run] : runs)
    sorted.push_back(std::move(run));
  return sorted;
}

std::vector<Json> read_lines(const std::filesystem::path& jsonl) {
  std::vector<Json> values;
  if (is_no_file(jsonl)) return values;
  std::istringstream in(read_file(jsonl).value_or(""));
  for (std::string line; std::getline(in, line) && !in.eof();)
    if (auto value = parse_json_or_none(line, kRecordLimits)) values.push_back(std::move(*value));
  return values;
}

bool is_running(const std::filesystem::path& path) {
  return RunLock::is_held(path);
}

}  // namespace dtbench
