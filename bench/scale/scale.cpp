// What it costs to share a folder, up to 1,000 GPUs and 100,000 cells: the scheduler's own
// decisions (sweep/next_move.h) in simulated time. What each of its steps asks of the file system
// was counted in real processes (costs.json); how long that takes is up to the storage.
//
//   scale                                        the tables of docs/scale.md
//   scale --gpus 64 --cells 5000 --seconds 600   one case, as JSON
//
// Simulated are the start and the steady state, until the last cell is taken. Nobody dies.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <limits>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "sweep/next_move.h"

namespace dtbench {
namespace {

// --- what is given ---

// As in costs.json.
enum Step {
  kStart,
  kFirstLook,
  kTake,
  kLookHeld,
  kSeenDone,
  kFinish,
  kLastLook,
  kBeat,
  kReading,
  kAccount,
  kChangedAccount,
  kLock,
  kSteps
};
constexpr std::array<const char*, kSteps> kNames = {
    "start",     "first_look", "take",    "look_held", "seen_done",       "finish",
    "last_look", "beat",       "reading", "account",   "changed_account", "lock"};

struct Operations {
  double reads = 0, writes = 0;
};

struct Storage {
  double read_s, write_s;                      // of one operation of one process
  double reads_per_second, writes_per_second;  // of all processes together
};

// Amazon EFS, Regional, bursting or provisioned throughput: an NFS service with published limits
// (docs.aws.amazon.com/efs/latest/ug/performance.html, "Performance summary").
constexpr Storage kEfs = {250e-6, 2.7e-3, 35'000, 7'000};

struct Case {
  int gpus = 1, gpus_per_process = 1, cells = 1000;
  double seconds = 600;  // of a cell, give or take a fifth
  double lease_s = 60;
  bool priced = false, budget = false;  // what the matrix was told
  bool whole = false;  // to the end of every process: for comparison with real ones
  Storage storage = kEfs;

  int processes() const { return (gpus + gpus_per_process - 1) / gpus_per_process; }
};

using Costs = std::array<Operations, kSteps>;

Costs read_costs(const std::string& file) {
  const Json json = read_json_file(file);
  Costs costs;
  for (std::size_t step = 0; step < kSteps; ++step)
    for (const auto& [kind, count] : json.at(kNames[step]).items()) {
      const bool reads =
          kind == "open" || kind == "stat" || kind == "list" || kind == "read" || kind == "lock";
      (reads ? costs[step].reads : costs[step].writes) += count.get<double>();
    }
  return costs;
}

// --- the file server ---

// It works off what it is asked at its rate. Its time is cut into slices, so that a process may use
// what another leaves free, whichever is simulated first.
class Server {
 public:
  explicit Server(double free_share) : room_(kSlice * std::max(free_share, 0.01)) {}

  // `work` seconds of it, from `t` on: when they are done.
  double done(double t, double work) {
    for (auto slice = static_cast<std::size_t>(t / kSlice);; ++slice) {
      slice = first_with_room(slice);
      const double taken = std::min(work, room_ - used_[slice]);
      used_[slice] += taken;
      work -= taken;
      if (used_[slice] >= room_ * (1 - 1e-9)) next_[slice] = slice + 1;
      if (work <= 0) return std::max(t, static_cast<double>(slice) * kSlice);
    }
  }

 private:
  static constexpr double kSlice = 0.05;

  std::size_t first_with_room(std::size_t slice) {
    std::size_t found = slice;
    for (grow(found); next_[found] != found; grow(found))
      found = next_[found];
    while (next_[slice] != slice)  // what was passed is not passed again
      slice = std::exchange(next_[slice], found);
    return found;
  }

  void grow(std::size_t slice) {
    while (used_.size() <= slice) {
      next_.push_back(used_.size());
      used_.push_back(0);
    }
  }

  double room_;
  std::vector<double> used_;
  std::vector<std::size_t> next_;  // itself while there is room
};

// --- the processes ---

class Simulation {
 public:
  Simulation(const Case& given, const Costs& costs)
      : case_(given),
        costs_(costs),
        beat_s_(given.lease_s / kBeatsInALease),
        server_(1 - background()),
        cells_(static_cast<std::size_t>(simulated_cells())),
        processes_(static_cast<std::size_t>(given.processes())) {}

  Json run() {
    for (std::size_t i = 0; i < processes_.size(); ++i)
      begin(i);
    while (!events_.empty() && (case_.whole || taken_ < cells_.size())) {
      const auto [time, process] = events_.top();
      events_.pop();
      go_on(process, time);
    }
    return summary();
  }

 private:
  struct Cell {
    bool taken = false;
    double ended_at = std::numeric_limits<double>::infinity();
  };
  struct SeenCell {  // by a process
    CellState state = CellState::kWaiting;
    std::size_t round = 0;
  };
  struct Place {
    SeenCell* cell = nullptr;
    double end = 0;
    bool used = false;  // before
  };
  struct Process {
    std::vector<SeenCell> cells;
    std::vector<Place> places;
    double next_look = 0, between_looks = kLeastSecondsBetweenLooks;
    double read_at = 0, next_reading = 0;
    std::size_t ended = 0;
  };

  // More tell nothing new about the steady state.
  int simulated_cells() const {
    constexpr int kPerGpu = 5;
    return case_.whole ? case_.cells : std::min(case_.cells, kPerGpu * case_.gpus);
  }

  // --- what time it takes ---

  double latency(Step step) const {
    const Operations& asked = costs_[step];
    return asked.reads * case_.storage.read_s + asked.writes * case_.storage.write_s;
  }

  double work(Step step) const {
    const Operations& asked = costs_[step];
    return asked.reads / case_.storage.reads_per_second +
           asked.writes / case_.storage.writes_per_second;
  }

  double after(double t, Step step, double times = 1) {
    counts_[step] += times;
    return std::max(t + times * latency(step), server_.done(t, times * work(step)));
  }

  // Of accounts that are read after `interval`, those that have changed.
  double changed(double interval) const {
    return case_.processes() * std::min(1.0, interval / beat_s_);
  }

  // sweep/budget.cpp
  static double rest_after_reading(double took) { return std::max(1.0, 100 * took); }

  // Readings a second of one process, which somebody who said a price asks for all the time.
  double readings_per_second() const {
    if (!case_.priced && !case_.budget) return 0;
    const double took = latency(kReading) + case_.processes() * latency(kAccount) +
                        changed(beat_s_) * latency(kChangedAccount);
    return 1 / (took + rest_after_reading(took));
  }

  // The server's share that goes into what does not wait for anything: heartbeats, and prices.
  double background() const {
    const double rate = readings_per_second();
    const double reading = work(kReading) + case_.processes() * work(kAccount) +
                           changed(rate > 0 ? 1 / rate : 0) * work(kChangedAccount);
    return case_.gpus * work(kBeat) / beat_s_ + case_.processes() * rate * reading;
  }

  double read_accounts(Process& process, double t) {
    const double begin = t;
    const double times = changed(t - process.read_at);
    t = after(t, kReading);
    t = after(t, kAccount, case_.processes());
    t = after(t, kChangedAccount, times);
    process.read_at = t;
    process.next_reading = t + rest_after_reading(t - begin);
    return t;
  }

  // --- what a process does ---

  void begin(std::size_t index) {
    Process& process = processes_[index];
    process.cells.resize(cells_.size());
    const int before = static_cast<int>(index) * case_.gpus_per_process;
    process.places.resize(
        static_cast<std::size_t>(std::min(case_.gpus_per_process, case_.gpus - before)));
    double t = after(0, kStart);
    t = after(t, kFirstLook, case_.cells);
    events_.emplace(t, index);
  }

  void go_on(std::size_t index, double t) {
    Process& process = processes_[index];
    for (Place& place : process.places)
      if (place.cell != nullptr && place.end <= t) t = conclude(process, place, t);
    for (Place& place : process.places)
      if (place.cell == nullptr && !fill(process, place, t)) break;
    if (process.ended == cells_.size()) {
      after(t, kLastLook, case_.cells);
      return;
    }
    double next = std::numeric_limits<double>::infinity();
    for (const Place& place : process.places)
      next = std::min(next, place.cell == nullptr ? process.next_look : place.end);
    events_.emplace(std::max(next, t), index);
  }

  double conclude(Process& process, Place& place, double t) {
    t = after(t, kFinish);
    t = read_accounts(process, t);
    counts_[kBeat] += std::floor(case_.seconds / beat_s_);
    cells_[number(process, *place.cell)].ended_at = t;
    place.cell->state = CellState::kDone;
    place.cell = nullptr;
    ++process.ended;
    return t;
  }

  bool fill(Process& process, Place& place, double& t) {
    if (case_.budget) {
      t = std::max(t, lock_free_at_);
      t = after(t, kLock);
      t = read_accounts(process, t);
    }
    const double begin = t;
    const bool look_elsewhere = begin >= process.next_look;
    const Choice choice = choose(process.cells, look_elsewhere,
                                 [&](SeenCell& cell) { return ask(process, place, cell, t); });
    longest_walk_ = std::max(longest_walk_, t - begin);
    if (look_elsewhere && !choice.taken)
      process.between_looks = seconds_between_looks(t - begin, case_.lease_s);
    if (look_elsewhere) process.next_look = t + process.between_looks;
    if (case_.budget) lock_free_at_ = t;
    return choice.taken;
  }

  Taking ask(Process& process, Place& place, SeenCell& seen, double& t) {
    Cell& cell = cells_[number(process, seen)];
    const bool held = cell.taken && t < cell.ended_at;
    const LeaseView lease{cell.taken ? 1 : 0, held ? LeaseStanding::kHeld : LeaseStanding::kFree,
                          ""};
    switch (next_move(seen.state, lease, 0)) {
      case Move::kTake:
        take(place, seen, cell, t);
        return Taking::kTaken;
      case Move::kLookAtRecord:
        t = after(t, kSeenDone);
        if (t >= process.next_reading) t = read_accounts(process, t);
        seen.state = CellState::kDone;
        ++process.ended;
        return Taking::kNotAvailable;
      default:
        t = after(t, kLookHeld);
        seen.state = CellState::kElsewhere;
        return Taking::kNotAvailable;
    }
  }

  void take(Place& place, SeenCell& seen, Cell& cell, double& t) {
    cell.taken = true;
    t = after(t, kTake);
    (place.used ? gaps_ : firsts_) += t - place.end;
    (place.used ? gap_count_ : first_count_) += 1;
    constexpr double kSpread = 0.2;
    const double drawn = static_cast<double>(random_()) / static_cast<double>(random_.max());
    place.end = t + case_.seconds * (1 + kSpread * (2 * drawn - 1));
    cell.ended_at = place.end + latency(kFinish);  // at the earliest
    place.cell = &seen;
    place.used = true;
    seen.state = CellState::kRunning;
    if (++taken_ == static_cast<std::size_t>(case_.gpus) && !case_.whole) counts_ = {};
  }

  static std::size_t number(const Process& process, const SeenCell& cell) {
    return static_cast<std::size_t>(&cell - process.cells.data());
  }

  // --- what comes of it ---

  Json summary() const {
    const double first = firsts_ / std::max(1.0, first_count_);
    const double gap = gaps_ / std::max(1.0, gap_count_);
    const double cells_a_gpu = std::max(1.0, static_cast<double>(case_.cells) / case_.gpus);
    const double last =
        case_.cells * std::max(latency(kLastLook), case_.processes() * work(kLastLook));
    const double lost = first + (cells_a_gpu - 1) * gap;
    const double all = lost + cells_a_gpu * case_.seconds;
    double asked = 0, server = background();
    for (std::size_t step = 0; step < kSteps; ++step) {
      asked += counts_[step] * (costs_[step].reads + costs_[step].writes);
      if (step != kBeat && gap_count_ > 0)
        server += counts_[step] * work(static_cast<Step>(step)) / gap_count_ * case_.gpus /
                  (case_.seconds + gap);
    }
    Json steps = Json::object();
    for (std::size_t step = 0; step < kSteps; ++step)
      steps[kNames[step]] = counts_[step];
    const double readings =
        readings_per_second() * case_.processes() *
        (costs_[kReading].reads + case_.processes() * costs_[kAccount].reads +
         changed(1 / std::max(1e-9, readings_per_second())) * costs_[kChangedAccount].reads);
    return {
        {"gpus", case_.gpus},
        {"processes", case_.processes()},
        {"cells", case_.cells},
        {"seconds", case_.seconds},
        {"first_cell_after_s", first},
        {"between_cells_s", gap},
        {"after_last_cell_s", last},
        {"operations", asked},
        {"operations_per_cell", gap_count_ > 0 ? asked / gap_count_ : 0},
        {"operations_per_s",
         gap_count_ > 0 ? asked / gap_count_ * case_.gpus / (case_.seconds + gap) + readings : 0},
        {"server_busy", server},
        {"longest_search_s", longest_walk_},
        {"hours", all / 3600},
        {"lost", lost / all},
        {"lost_gpu_hours", lost * case_.gpus / 3600},
        {"steps", steps}};
  }

  const Case case_;
  const Costs costs_;
  const double beat_s_;
  Server server_;
  std::vector<Cell> cells_;
  std::vector<Process> processes_;
  std::priority_queue<std::pair<double, std::size_t>, std::vector<std::pair<double, std::size_t>>,
                      std::greater<>>
      events_;
  std::mt19937_64 random_{2026};
  std::array<double, kSteps> counts_{};
  std::size_t taken_ = 0;
  double firsts_ = 0, first_count_ = 0, gaps_ = 0, gap_count_ = 0, longest_walk_ = 0;
  double lock_free_at_ = 0;
};

// --- the tables ---

double lost(const Case& given, const Costs& costs) {
  return Simulation(given, costs).run().at("lost").get<double>();
}

// The most GPUs at which no more than `share` is lost, with twenty cells a GPU; to 1,000.
int most_gpus(Case given, const Costs& costs, double share) {
  const auto fits = [&](int processes) {
    given.gpus = processes * given.gpus_per_process;
    given.cells = 20 * given.gpus;
    return lost(given, costs) <= share;
  };
  int good = 0, bad = 1000 / given.gpus_per_process;
  if (fits(bad)) return bad * given.gpus_per_process;
  while (bad - good > std::max(1, good / 50)) {
    const int middle = good == 0 ? std::max(1, bad / 8) : (good + bad) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return good * given.gpus_per_process;
}

void print_costs_of_sharing(Case given, const Costs& costs, double price) {
  std::printf("%6s %8s %8s %12s %8s %8s %10s %8s %10s %8s\n", "GPUs", "cells", "s/cell",
              "operations/s", "server", "start s", "between s", "lost", "USD lost", "report s");
  for (const double seconds : {60.0, 600.0, 3600.0})
    for (const auto& [gpus, cells] : {std::pair{8, 1'000}, std::pair{64, 10'000},
                                      std::pair{256, 10'000}, std::pair{1000, 100'000}}) {
      given.gpus = gpus;
      given.cells = cells;
      given.seconds = seconds;
      const Json row = Simulation(given, costs).run();
      const auto value = [&](const char* key) { return row.at(key).get<double>(); };
      std::printf("%6d %8d %8.0f %12.0f %7.0f%% %8.1f %10.2f %7.2f%% %10.0f %8.0f\n", gpus, cells,
                  seconds, value("operations_per_s"), 100 * std::min(1.0, value("server_busy")),
                  value("first_cell_after_s"), value("between_cells_s"), 100 * value("lost"),
                  price * value("lost_gpu_hours"), value("after_last_cell_s"));
    }
}

void print_where_it_stops(Case given, const Costs& costs) {
  std::printf("\nMost GPUs (at most 1,000) that lose no more than this, twenty cells per GPU\n");
  std::printf("%-34s %10s %8s %8s\n", "", "s/cell", "1 %", "10 %");
  struct Way {
    const char* name;
    int gpus_per_process;
    bool priced, budget;
  };
  for (const Way& way :
       {Way{"one process per GPU", 1, false, false}, Way{"... with a price", 1, true, false},
        Way{"... with a budget", 1, true, true}, Way{"one process per 8 GPUs", 8, false, false},
        Way{"... with a budget", 8, true, true}})
    for (const double seconds : {60.0, 600.0, 3600.0}) {
      given.gpus_per_process = way.gpus_per_process;
      given.priced = way.priced;
      given.budget = way.budget;
      given.seconds = seconds;
      std::printf("%-34s %10.0f %8d %8d\n", way.name, seconds, most_gpus(given, costs, 0.01),
                  most_gpus(given, costs, 0.1));
      std::fflush(stdout);
    }
}

int run(int count, char** arguments) {
  CLI::App program("What it costs to share a folder between many processes, by simulation.");
  Case given;
  std::string costs = "bench/scale/costs.json";
  double read_ms = 1e3 * given.storage.read_s, write_ms = 1e3 * given.storage.write_s, price = 2.5;
  program.add_option("--costs", costs, "operations of each step, as counts.py counts them");
  program.add_option("--gpus", given.gpus, "one case, as JSON")->check(CLI::Range(1, 10'000));
  program.add_option("--gpus-per-process", given.gpus_per_process)->check(CLI::Range(1, 64));
  program.add_option("--cells", given.cells)->check(CLI::Range(1, 100'000));
  program.add_option("--seconds", given.seconds, "of a cell")->check(CLI::PositiveNumber);
  program.add_option("--lease-seconds", given.lease_s)->check(CLI::Range(1.0, 86'400.0));
  program.add_option("--price-per-hour", price, "of a GPU, for the USD that are lost");
  program.add_flag("--priced", given.priced, "the matrix was told a price");
  program.add_flag("--budget", given.budget, "and a budget");
  program.add_flag("--whole", given.whole, "to the end of every process");
  program.add_option("--read-ms", read_ms, "an open, stat, listing, read or lock takes");
  program.add_option("--write-ms", write_ms, "a write, sync, rename, new folder or removal takes");
  program.add_option("--reads-per-second", given.storage.reads_per_second);
  program.add_option("--writes-per-second", given.storage.writes_per_second);
  CLI11_PARSE(program, count, arguments);
  given.storage.read_s = read_ms / 1e3;
  given.storage.write_s = write_ms / 1e3;
  const Costs counted = read_costs(costs);
  if (program.count("--gpus") > 0) {
    std::printf("%s\n", Simulation(given, counted).run().dump(1).c_str());
    return 0;
  }
  print_costs_of_sharing(given, counted, price);
  print_where_it_stops(given, counted);
  return 0;
}

}  // namespace
}  // namespace dtbench

int main(int count, char** arguments) {
  try {
    return dtbench::run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
