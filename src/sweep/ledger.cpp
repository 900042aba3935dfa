#include "sweep/ledger.h"

#include <random>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/read_file.h"
#include "base/text.h"
#include "base/whole_number.h"
#include "record/line_file.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

std::string random_name() {
  std::random_device device;
  return concat(std::hex, device(), device(), ".jsonl");
}

Error damaged(const fs::path& file, const std::string& why) {
  return usage_error(concat("The account of device time '", file.string(), "' is damaged: ", why),
                     "Repair it, or remove it: its time then no longer counts as spent.");
}

// Times that no device can have worked would pay back what others spent.
double seconds_of(const Json& line, const char* member) {
  constexpr double kMost = 1e12;  // 30,000 years
  const auto seconds = line.at(member).get<double>();
  if (seconds >= 0 && seconds <= kMost) return seconds;
  throw Json::type_error::create(
      302, concat(member, " is ", json_text(line.at(member)), ", no seconds from 0 to ", kMost),
      nullptr);
}

}  // namespace

Ledger::Ledger(fs::path folder) : folder_(std::move(folder)) {}

Ledger::~Ledger() = default;

void Ledger::put(std::int64_t attempt, const std::string& cell, const Spent& so_far) {
  if (own_ == nullptr) {
    make_directories(folder_);
    own_ = std::make_unique<LineFile>(folder_ / random_name());
  }
  own_->append({{"attempt", attempt},
                {"cell", cell},
                {"wall_s", so_far.wall_s},
                {"device_s", so_far.device_s}});
}

// A line without its end may be half written: it is read when it is whole.
void Ledger::read_on(const fs::path& file, Account& account) {
  const ReadableFile opened(file);
  std::string text(opened.size() - account.bytes, '\0');
  text.resize(opened.read_at(account.bytes, text.data(), text.size()));
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    ++account.lines;
    account.bytes += end + 1 - begin;
    const std::optional<Json> line = parse_json_or_none(text.substr(begin, end - begin));
    if (!line) throw damaged(file, concat("line ", account.lines, ": not JSON"));
    try {
      account.attempts[{whole_number(line->at("attempt")), line->at("cell").get<std::string>()}] = {
          seconds_of(*line, "wall_s"), seconds_of(*line, "device_s")};
    } catch (const Json::exception& fault) {
      throw damaged(file, fault.what());
    }
  }
}

std::map<std::string, Spent> Ledger::by_cell() const {
  std::map<std::string, Spent> sums;
  std::map<fs::path, Account> present;
  std::error_code error;
  for (fs::directory_iterator file(folder_, error), end; !error && file != end;
       file.increment(error)) {
    if (file->path().extension() != ".jsonl") continue;
    Account& account = present[file->path()];
    account = std::move(accounts_[file->path()]);
    std::error_code gone;
    const std::uintmax_t size = file->file_size(gone);
    if (!gone && size < account.bytes) account = {};                   // it was repaired
    if (gone || size > account.bytes) read_on(file->path(), account);  // it says why it cannot
    for (const auto& [attempt, spent] : account.attempts) {
      sums[attempt.second].wall_s += spent.wall_s;
      sums[attempt.second].device_s += spent.device_s;
    }
  }
  // An account that cannot be read is not one of nothing.
  if (error && error != std::errc::no_such_file_or_directory) throw unreadable(folder_, error);
  accounts_ = std::move(present);
  return sums;
}

std::string account_name(const fs::path& run) {
  const fs::path folder = run.parent_path().filename();
  return (folder == "calibration" ? folder / run.filename() : run.filename()).string();
}

std::optional<double> wall_seconds(const std::map<std::string, Spent>& by_cell,
                                   const fs::path& run) {
  const auto found = by_cell.find(account_name(run));
  return found == by_cell.end() ? std::nullopt : std::optional(found->second.wall_s);
}

double device_seconds(const std::map<std::string, Spent>& by_cell) {
  double sum = 0;
  for (const auto& [cell, spent] : by_cell)
    sum += spent.device_s;
  return sum;
}

}  // namespace dtbench
