#include "record/run_directory.h"

#include <cerrno>
#include <sstream>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/read_file.h"
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
  if (!health_) health_ = std::make_unique<LineFile>(file);
  std::istringstream in(read_file(file).value_or(""));
  std::uint64_t kept = 0;
  for (std::string line; std::getline(in, line); kept += line.size() + 1)
    if (const auto value = parse_json_or_none(line, kRecordLimits))
      if (const Json at = member_or_null(*value, "/step"); at.is_number() && at >= step)
        return health_->truncate(kept);
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
  if (health_) health_->durable_size();  // the checkpoint's lines, too
  return steps_->durable_size();
}

void RunDirectory::truncate_steps(std::uint64_t size) {
  steps_->truncate(size);
}

}  // namespace dtbench
