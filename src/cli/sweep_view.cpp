#include "cli/sweep_view.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/live_block.h"
#include "record/run_summary.h"

namespace dtbench {
namespace {

constexpr std::size_t kRecent = 8;  // lines of cells that ended

std::vector<std::string> columns_of(const SweepCell& cell, bool stopping) {
  const bool here = cell.state == CellState::kRunning;
  const std::string state = here ? (stopping ? "saving" : "running") : to_string(cell.state);
  if (!cell.step) return {cell.name, state, "-", "-", "-", "-"};
  const std::int64_t left = cell.spec.train.steps - cell.step->done;
  const std::string eta =
      left > 0 ? human_seconds(static_cast<double>(left) * cell.step->seconds) : "validating";
  return {cell.name,
          state,
          concat(cell.step->done, "/", cell.spec.train.steps),
          readable(json_number(cell.step->loss)),
          formatted("%.1f", cell.step->samples_per_s),
          eta};
}

// How a cell ended: "A fp32_true seed 0 completed, trained: 30 of 30 steps ...".
std::string end_line(const SweepCell& cell) {
  if (!cell.failure.empty()) return concat(cell.name, " failed: ", cell.failure);
  return concat(cell.name, " ",
                one_line(summary_of(read_run(cell.run, RecordFiles::kSpecAndResult))));
}

// The table's lines, of at most `width` characters: `recent` (cells that ended, a line each), those
// that run, the whole, and what Ctrl-C does.
std::vector<std::string> sweep_screen(const SweepProgress& progress,
                                      const std::vector<std::string>& recent,
                                      const std::string& at_ctrl_c, std::size_t width) {
  Rows rows = {{"cell", "state", "step", "loss", "samples/s", "ETA"}};
  for (const SweepCell& cell : progress.cells)
    if (cell.state == CellState::kRunning || cell.state == CellState::kElsewhere)
      rows.push_back(columns_of(cell, progress.stopping));
  std::string text;
  for (const std::string& line : recent)
    text += line + "\n";
  text += aligned(rows, {2, 2}) + whole_line(progress) + "\n";
  text += progress.stopping ? "Running cells save a checkpoint; Ctrl-C again stops them at once."
                            : at_ctrl_c;
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    lines.push_back(cut(line, width));
  return lines;
}

class LiveView : public SweepObserver {
 public:
  explicit LiveView(std::string at_ctrl_c) : at_ctrl_c_(std::move(at_ctrl_c)) {}

  bool shows_steps() const override { return true; }
  void begin(const SweepProgress& progress) override { tick(progress); }
  void tick(const SweepProgress& progress) override {
    if (!block_) block_.emplace(STDERR_FILENO);
    block_->draw(sweep_screen(progress, recent_, at_ctrl_c_, block_->width()));
  }
  void cell_ended(const SweepProgress&, const SweepCell& cell) override {
    recent_.push_back(end_line(cell));
    if (recent_.size() > kRecent) recent_.erase(recent_.begin());
  }
  void leave() override { block_->leave(); }
  void enter() override { block_->enter(); }
  void finish() override { block_.reset(); }

 private:
  const std::string at_ctrl_c_;
  std::optional<LiveBlock> block_;  // from begin() to finish()
  std::vector<std::string> recent_;
};

class PlainView : public SweepObserver {
 public:
  bool shows_steps() const override { return false; }
  void begin(const SweepProgress& progress) override {
    log_info(concat(progress.cells.size(), " cells, ", progress.count(CellState::kDone),
                    " of them already done"));
  }
  void tick(const SweepProgress& progress) override {
    const std::size_t elsewhere = progress.count(CellState::kElsewhere);
    if (told_waiting_ || elsewhere == 0 || progress.count(CellState::kRunning) > 0) return;
    told_waiting_ = true;
    log_info(concat("waiting for other processes, which train ", elsewhere, " of ",
                    progress.cells.size(), " cells"));
  }
  void cell_ended(const SweepProgress& progress, const SweepCell& cell) override {
    std::string line =
        concat("[", progress.ended(), "/", progress.cells.size(), "] ", end_line(cell));
    if (progress.spent_usd) line += concat("; ", usd(*progress.spent_usd), " USD spent");
    if (progress.left_s) line += concat("; ETA ", human_seconds(*progress.left_s));
    log_info(line);
  }
  void leave() override {}
  void enter() override {}
  void finish() override {}

 private:
  bool told_waiting_ = false;
};

}  // namespace

std::string usd(double amount) {
  return formatted(amount >= 0.1 || amount == 0 ? "%.2f" : "%.2g", amount);
}

std::string whole_line(const SweepProgress& progress) {
  std::string line =
      concat(progress.count(CellState::kDone), " of ", progress.cells.size(), " cells done");
  for (const CellState state :
       {CellState::kFailed, CellState::kRunning, CellState::kElsewhere, CellState::kLeftOut})
    if (const std::size_t count = progress.count(state); count > 0)
      line += concat(", ", count, " ", to_string(state));
  if (progress.spent_usd && progress.budget)
    line += concat("; ", usd(*progress.spent_usd), " USD of ", usd(*progress.budget), " spent, ",
                   usd(std::max(0.0, *progress.budget - *progress.spent_usd)), " left");
  else if (progress.spent_usd)
    line += concat("; ", usd(*progress.spent_usd), " USD spent");
  if (progress.left_s) line += concat("; ETA ", human_seconds(*progress.left_s));
  if (!progress.title.empty()) line += "; " + progress.title;
  return line;
}

std::unique_ptr<SweepObserver> make_sweep_view(const std::string& at_ctrl_c) {
  if (LiveBlock::possible_on(STDERR_FILENO)) return std::make_unique<LiveView>(at_ctrl_c);
  return std::make_unique<PlainView>();
}

}  // namespace dtbench
