// The flags that say which cells a matrix has and what it may cost: shared by matrix and plan.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/spec_options.h"
#include "sweep/card_prediction.h"
#include "sweep/matrix.h"
#include "sweep/sweep.h"

namespace dtbench {

struct MatrixOptions {
  SpecOptions spec;
  std::string file, seeds;
  std::vector<std::string> scenarios, policies;
  std::vector<std::string> records;  // folders to predict a card's times from
  std::string price_per_hour, budget;
  std::optional<int> jobs;
  std::optional<int> jobs_on_cpu;  // where `jobs` is not given; none: make_slots decides
  std::string out = "runs";
  bool no_wait = false;  // for cells that other processes hold
  bool json = false;
  std::string on_finish;  // a command
};

// --file, --scenario, --policy and --seeds: which cells.
void add_matrix_selection(CLI::App& command, MatrixOptions& options);
// What every cell has in common, where they run, what they may cost, where records go.
void add_matrix_options(CLI::App& command, MatrixOptions& options);

void add_no_wait_flag(CLI::App& command, MatrixOptions& options);
void add_rerun_flag(CLI::App& command, bool& rerun);

// The name of a card in --device, where that is no device of this machine ("NVIDIA RTX A6000"): its
// cells can be predicted, not trained. Throws Error (usage) for a name that hardware.toml lacks.
std::optional<std::string> card_of(const MatrixOptions& options);
// Predicts for that card. Throws Error (usage) as CardPredictor does.
std::optional<CardPredictor> card_predictor(const MatrixOptions& options);
// Throws Error (usage) where --device names a card and cells are to be trained.
void require_device_here(const MatrixOptions& options);

// The cells in the order in which they are to run. Throws Error (usage) as matrix_cells does, and
// for cells of more than one device.
std::vector<SweepCell> sweep_cells(const MatrixOptions& options);
// Of `matrix` in the place of the options' file.
std::vector<SweepCell> sweep_cells(const MatrixOptions& options, Matrix matrix);

// Fills in the predictions: for the card, if there is one, else those that records at hand allow.
void predict_all(const std::optional<CardPredictor>& card, std::vector<SweepCell>& cells,
                 const SweepOptions& sweep);

// Before cells are trained: see notes.h and gpu_line.h.
void require_device_said(const MatrixOptions& options, const std::vector<SweepCell>& cells);
void log_gpus(const std::vector<SweepCell>& cells, const SweepOptions& sweep);

// Places, folders, price and budget. Throws Error (usage) for a price or budget that is no number
// of USD, and for a budget without a price.
SweepOptions sweep_options(const MatrixOptions& options, const std::vector<SweepCell>& cells);

}  // namespace dtbench
