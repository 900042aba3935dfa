#include "record/run_directory.h"

#include <cerrno>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "record/line_file.h"
#include "record/run_lock.h"

namespace dtbench {
namespace {

// Indented for people; the hash of a spec is that of its canonical text, not of this file.
void write_json(const std::filesystem::path& path, const Json& value) {
  write_file_atomically(path, json_text(value, 1) + "\n");
}

}  // namespace

RunDirectory::RunDirectory(const std::filesystem::path& path) : path_(path) {
  make_directories(path_);
  lock_ = std::make_unique<RunLock>(path_);
  remove_leftovers(path_);
  remove_leftovers(checkpoint());
  steps_ = std::make_unique<LineFile>(path_ / "steps.jsonl");
  events_ = std::make_unique<LineFile>(path_ / "events.jsonl");
}

RunDirectory::~RunDirectory() = default;

void RunDirectory::write_spec(const Json& spec) {
  write_json(path_ / "spec.json", spec);
}

void RunDirectory::write_audit(const Json& audit) {
  write_json(path_ / "audit.json", audit);
}

void RunDirectory::append_step(const Json& step) {
  steps_->append(step);
}

void RunDirectory::append_event(Json event) {
  event["at"] = utc_now();
  events_->append(event);
}

void RunDirectory::write_result(const Json& result) {
  write_json(path_ / "result.json", result);
}

void RunDirectory::write_profile(const Json& profile) {
  write_json(path_ / "profile.json", profile);
}

void RunDirectory::append_health(const Json& line) {
  if (!health_) health_ = std::make_unique<LineFile>(path_ / "health.jsonl");
  health_->append(line);
}

void RunDirectory::drop_health_from(std::int64_t step) {
  const std::filesystem::path file = path_ / "health.jsonl";
  if (!std::filesystem::exists(file)) return;
  std::string kept;
  for (const Json& line : read_lines(file))
    if (line.value("step", step) < step) kept += json_text(line) + "\n";
  health_.reset();
  write_file_atomically(file, kept);
}

void RunDirectory::remove_result() {
  std::error_code error;
  std::filesystem::remove(path_ / "result.json", error);
  if (error) {
    errno = error.value();
    throw system_error("Cannot remove", (path_ / "result.json").string());
  }
  sync_directory(path_);
}

std::uint64_t RunDirectory::steps_size() const {
  return steps_->durable_size();
}

void RunDirectory::truncate_steps(std::uint64_t size) {
  steps_->truncate(size);
}

}  // namespace dtbench
