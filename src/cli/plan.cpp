#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/matrix_options.h"
#include "cli/sweep_view.h"
#include "sweep/ledger.h"

namespace dtbench {
namespace {

constexpr std::int64_t kMostSteps = 1'000'000'000;

// The cells of the first round, once each, with what they are made of: what one seed takes.
struct OneSeed {
  std::vector<const SweepCell*> cells;
  std::vector<CellTime> times;
  std::vector<std::string> unknown;  // cells whose calibration failed

  // Device seconds, with every cell at so many steps.
  double device_s(double share, std::optional<std::int64_t> steps = {}) const {
    double sum = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const TrainSpec& train = cells[i]->spec.train;
      sum += share * times[i].seconds(train, steps.value_or(train.steps));
    }
    return sum;
  }
};

using TimeOf = std::function<std::optional<CellTime>(const RunSpec&)>;

OneSeed one_seed(const std::vector<SweepCell>& cells, const TimeOf& time_of) {
  OneSeed seed;
  for (const SweepCell& cell : cells) {
    if (cell.round != cells.front().round) continue;
    const std::optional<CellTime> time = time_of(cell.spec);
    if (!time) {
      seed.unknown.push_back(cell.name);
      continue;
    }
    seed.cells.push_back(&cell);
    seed.times.push_back(*time);
  }
  return seed;
}

// The largest number of steps at which so many seeds cost at most so many device seconds; 0 when
// not even one does.
std::int64_t steps_that_fit(const OneSeed& seed, double share, double seeds, double device_s) {
  std::int64_t fits = 0, fails = kMostSteps + 1;
  while (fails - fits > 1) {
    const std::int64_t middle = fits + (fails - fits) / 2;
    (seeds * seed.device_s(share, middle) <= device_s ? fits : fails) = middle;
  }
  return fits;
}

std::size_t rounds_of(const std::vector<SweepCell>& cells) {
  return cells.back().round + 1;
}

Json plan_of(const std::vector<SweepCell>& cells, const SweepOptions& options,
             const OneSeed& seed) {
  const double share = options.slots.front().share;
  const double device_s = seed.device_s(share);
  const auto seeds = static_cast<double>(rounds_of(cells));
  Json plan = {{"device", cells.front().spec.device},
               {"at_a_time", options.slots.size()},
               {"seeds", rounds_of(cells)},
               {"cells_of_a_seed", seed.cells.size()},
               {"unknown", seed.unknown},
               {"device_s_of_a_seed", device_s},
               {"price_per_hour", number_or_null(options.price_per_hour)},
               {"budget", number_or_null(options.budget)},
               {"usd_of_a_seed", nullptr},
               {"usd", nullptr},
               {"usd_spent", nullptr},
               {"seeds_that_fit", nullptr},
               {"steps_that_fit", nullptr},
               {"cells", Json::array()}};
  for (std::size_t i = 0; i < seed.cells.size(); ++i) {
    const TrainSpec& train = seed.cells[i]->spec.train;
    plan["cells"].push_back({{"name", seed.cells[i]->name},
                             {"steps", train.steps},
                             {"seconds", seed.times[i].seconds(train, train.steps)},
                             {"seconds_of_a_step", seed.times[i].step_s}});
  }
  if (!options.price_per_hour) return plan;
  const double usd_of_a_seed = cost_of(device_s, *options.price_per_hour);
  plan["usd_of_a_seed"] = usd_of_a_seed;
  plan["usd"] = seeds * usd_of_a_seed;
  const double spent_s = device_seconds(Ledger(account_folder(options)).by_cell());
  plan["usd_spent"] = cost_of(spent_s, *options.price_per_hour);
  if (!options.budget || device_s <= 0) return plan;
  // 'matrix' charges what was spent here before, this plan's calibration included.
  const double affordable_s =
      std::max(0.0, *options.budget / *options.price_per_hour * 3600 - spent_s);
  plan["seeds_that_fit"] = static_cast<std::int64_t>(std::floor(affordable_s / device_s));
  plan["steps_that_fit"] = steps_that_fit(seed, share, seeds, affordable_s);
  return plan;
}

std::string text_of(const Json& plan) {
  Rows rows = {{"cell", "steps", "time", "per step"}};
  for (const Json& cell : plan.at("cells"))
    rows.push_back({readable(cell.at("name")), readable(cell.at("steps")),
                    human_seconds(cell.at("seconds").get<double>()),
                    concat(readable(1e3 * cell.at("seconds_of_a_step").get<double>()), " ms")});
  const double device_s = plan.at("device_s_of_a_seed").get<double>();
  const auto seeds = plan.at("seeds").get<double>();
  std::string sentence =
      concat("One seed of ", readable(plan.at("cells_of_a_seed")), " cells takes ",
             human_seconds(device_s), " of device time, ", readable(plan.at("seeds")), " take ",
             human_seconds(seeds * device_s));
  if (plan.at("usd").is_number())
    sentence += concat(": ", usd(plan.at("usd_of_a_seed").get<double>()), " USD per seed, ",
                       usd(plan.at("usd").get<double>()), " USD in all");
  std::string text = aligned(rows, {1, 2}) + "\n" + wrapped(sentence + ".", kProse);
  if (plan.at("seeds_that_fit").is_number())
    text += wrapped(concat("The budget of ", usd(plan.at("budget").get<double>()),
                           " USD, of which ", usd(plan.at("usd_spent").get<double>()),
                           " are spent, pays for ", readable(plan.at("seeds_that_fit")),
                           " seeds of this length, or for ", readable(plan.at("seeds")),
                           " seeds of ", readable(plan.at("steps_that_fit")), " steps."),
                    kProse);
  const bool predicted = plan.contains("rests_on");
  for (const Json& name : plan.at("unknown"))
    text += concat("not counted: ", readable(name), ", because ",
                   predicted ? "no record is like it" : "its calibration failed", "\n");
  if (predicted)
    text +=
        wrapped(concat("Predicted for ", readable(plan.at("device")), " from ",
                       readable(plan.at("rests_on")),
                       ": matrix products by the ratio of the cards' peaks, the rest by that of "
                       "their bandwidths (configs/hardware.toml). Cells that die early are "
                       "counted at full length. --json names each cell's record."),
                kProse);
  return text;
}

// Trains a few steps of each kind of cell, here.
OneSeed calibrated_seed(const MatrixOptions& options, std::vector<SweepCell>& cells,
                        const SweepOptions& sweep) {
  require_device_said(options, cells);
  SweepOptions calibration = sweep;
  calibration.budget.reset();  // the question is what it would pay for
  const std::unique_ptr<SweepObserver> view = make_sweep_view();
  if (calibrate(cells, calibration, *view).code == ExitCode::kInterrupted)
    throw Ended{ExitCode::kInterrupted};
  const Predictor predictor = predict(cells, sweep);
  OneSeed seed = one_seed(cells, [&](const RunSpec& spec) { return predictor.time(spec); });
  if (seed.cells.empty())
    throw Error(cells.front().failure_code,
                concat("No kind of cell could be calibrated. ", cells.front().name, ": ",
                       cells.front().failure));
  return seed;
}

// From records of other cards. `rests_on`: of each cell of the seed, its record.
OneSeed predicted_seed(const CardPredictor& card, const std::vector<SweepCell>& cells,
                       std::vector<std::string>& rests_on) {
  OneSeed seed = one_seed(cells, [&](const RunSpec& spec) -> std::optional<CellTime> {
    const auto prediction = card.predict(spec);
    if (!prediction) return std::nullopt;
    rests_on.push_back(prediction->rests_on);
    return prediction->time;
  });
  if (seed.cells.empty())
    throw usage_error("No record has products of the cells' datatypes on a card with a data sheet.",
                      "--records DIR names more records.");
  return seed;
}

void make_plan(const MatrixOptions& options) {
  std::vector<SweepCell> cells = sweep_cells(options);
  const SweepOptions sweep = sweep_options(options, cells);
  const std::optional<CardPredictor> card = card_predictor(options);
  std::vector<std::string> rests_on;
  const OneSeed seed =
      card ? predicted_seed(*card, cells, rests_on) : calibrated_seed(options, cells, sweep);
  Json plan = plan_of(cells, sweep, seed);
  if (card) {
    plan["device"] = *card_of(options);
    plan["rests_on"] = card->records();
    for (std::size_t i = 0; i < rests_on.size(); ++i)
      plan["cells"][i]["rests_on"] = rests_on[i];
  }
  if (options.json)
    std::cout << json_text(plan, 1) << '\n';
  else
    std::cout << text_of(plan);
}

}  // namespace

void add_plan_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("plan",
                             "predict a matrix's time and cost from a few training steps on this "
                             "machine or, for a card named by --device, from other cards' records");
  const auto options = std::make_shared<MatrixOptions>();
  add_matrix_selection(*command, *options);
  add_matrix_options(*command, *options);
  command->callback([options] { make_plan(*options); });
}

}  // namespace dtbench
