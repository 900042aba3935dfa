#include "sweep/lease.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/read_file.h"
#include "base/text.h"
#include "record/line_file.h"
#include "record/run_lock.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// Between making a lease's folder and locking it the holder looks dead.
constexpr double kSecondsToLock = 2;

// Two processes with the same one share a kernel, so locks tell them of each other's death.
std::string boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

fs::path folder_of(const fs::path& cell, std::int64_t number) {
  return cell / std::to_string(number);
}

// More takeovers than any cell sees. Beyond it there would be no next number.
constexpr std::int64_t kMostLeases = 1'000'000'000;

// 0 for what is no number as this program writes it, which is not ours.
std::int64_t number_of(const std::string& name) {
  std::int64_t number = 0;
  std::from_chars(name.data(), name.data() + name.size(), number);
  return number > 0 && std::to_string(number) == name ? number : 0;
}

// The largest number among the folders of a cell; 0 without one.
std::int64_t newest(const fs::path& cell) {
  std::int64_t largest = 0;
  std::error_code error;
  for (fs::directory_iterator entry(cell, error), end; !error && entry != end;
       entry.increment(error))
    largest = std::max(largest, number_of(entry->path().filename().string()));
  if (error && error != std::errc::no_such_file_or_directory) throw unreadable(cell, error);
  if (largest < kMostLeases) return largest;
  throw usage_error(
      concat("'", folder_of(cell, largest).string(),
             "' is no lease of this program: ", "its number is beyond ", kMostLeases, "."),
      "Remove it.");
}

// A file that another process may be writing or removing: null then.
Json read_or_null(const fs::path& file) {
  Json value = parse_json_or_none(read_file(file).value_or("")).value_or(Json());
  return value.is_object() ? value : Json();
}

}  // namespace

Lease::Lease(fs::path cell, std::int64_t number) : cell_(std::move(cell)), number_(number) {
  const fs::path folder = folder_of(cell_, number_);
  lock_ = std::make_unique<RunLock>(folder);
  const Json holder = {{"host", host_name()}, {"process", getpid()}, {"boot_id", boot_id()}};
  write_file_atomically(folder / "holder.json", holder.dump() + "\n");
  beats_ = std::make_unique<LineFile>(folder / "beats.jsonl");
}

Lease::~Lease() = default;

bool Lease::beat() {
  if (newest(cell_) != number_) return false;
  beats_->append(1);
  return true;
}

void Lease::end(const std::string& failure) {
  if (newest(cell_) != number_) return;
  write_file_atomically(folder_of(cell_, number_) / "ended.json",
                        Json{{"failure", failure}}.dump() + "\n");
}

Leases::Leases(fs::path folder, double expiry_s, std::function<double()> steady_clock)
    : folder_(std::move(folder)), expiry_s_(expiry_s), clock_(std::move(steady_clock)) {}

LeaseView Leases::look(const std::string& cell) {
  LeaseView view;
  view.number = newest(folder_ / cell);
  if (view.number == 0) return view;
  const fs::path folder = folder_of(folder_ / cell, view.number);
  if (fs::exists(folder / "ended.json")) {
    view.failure = text_or(member_or_null(read_or_null(folder / "ended.json"), "/failure"), "");
    return view;
  }
  std::error_code error;
  const std::uintmax_t size = fs::file_size(folder / "beats.jsonl", error);
  const std::uintmax_t beats = error ? 0 : size;
  Pulse& pulse = pulses_[cell];
  if (pulse.number != view.number || pulse.beats != beats || pulse.since == 0)
    pulse = {view.number, beats, clock_()};

  const double silent_s = clock_() - pulse.since;
  const Json holder = read_or_null(folder / "holder.json");
  const std::string here = boot_id();
  const bool same_machine =
      !here.empty() && text_or(member_or_null(holder, "/boot_id"), "") == here;
  const bool dead = same_machine && silent_s > kSecondsToLock && !RunLock::is_held(folder);
  if (!dead && silent_s <= expiry_s_) view.standing = LeaseStanding::kHeld;
  return view;
}

std::unique_ptr<Lease> Leases::acquire(const std::string& cell, const LeaseView& free) {
  const fs::path leases = folder_ / cell;
  make_directories(leases);
  const std::int64_t number = free.number + 1;
  if (mkdir(folder_of(leases, number).c_str(), 0777) != 0) {
    if (errno == EEXIST) return nullptr;
    throw system_error("Cannot create the directory", folder_of(leases, number).string());
  }
  // Others may have come and gone since `free` was looked at, and their folders with them.
  if (newest(leases) != number) {
    fs::remove_all(folder_of(leases, number));
    return nullptr;
  }
  std::unique_ptr<Lease> lease(new Lease(leases, number));
  for (std::int64_t old = number - 1; old > 0 && fs::exists(folder_of(leases, old)); --old)
    fs::remove_all(folder_of(leases, old));
  return lease;
}

}  // namespace dtbench
