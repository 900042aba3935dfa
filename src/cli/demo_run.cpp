#include "cli/demo_run.h"

#include <memory>

#include "cli/demo_view.h"
#include "sweep/sweep.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// Shows a sweep as a demonstration: the same cells in the same order.
class DemoObserver : public SweepObserver {
 public:
  explicit DemoObserver(std::vector<DemoCell>& cells) : cells_(cells), demo_(cells) {}

  void begin(const SweepProgress& progress) override {
    follow(progress);
    view_ = make_demo_view();
    view_->tick(demo_);
  }
  void tick(const SweepProgress& progress) override {
    follow(progress);
    view_->tick(demo_);
  }
  void cell_ended(const SweepProgress& progress, const SweepCell& cell) override {
    follow(progress);
    demo_.running = &demo_cell(progress, cell);
    view_->cell_ended(demo_);
  }
  void leave() override { view_->leave(); }
  void enter() override { view_->enter(); }
  void finish() override { view_.reset(); }

  void follow(const SweepProgress& progress) {
    demo_.stopping = progress.stopping;
    demo_.left_s = progress.left_s;
    demo_.running = nullptr;
    for (const SweepCell& cell : progress.cells) {
      DemoCell& its = demo_cell(progress, cell);
      if (cell.ended() && !its.ended) end(its, cell.failure);
      if (cell.state != CellState::kRunning && cell.state != CellState::kElsewhere) continue;
      demo_.running = &its;
      demo_.step = cell.step;
    }
  }

 private:
  DemoCell& demo_cell(const SweepProgress& progress, const SweepCell& cell) {
    return cells_[static_cast<std::size_t>(&cell - progress.cells.data())];
  }

  static void end(DemoCell& cell, const std::string& failure) {
    cell.failure = failure;
    cell.row = demo_row(cell);
    cell.ended = true;
  }

  std::vector<DemoCell>& cells_;
  DemoProgress demo_;
  std::unique_ptr<DemoView> view_;
};

std::vector<SweepCell> sweep_cells(const std::vector<DemoCell>& cells) {
  std::vector<SweepCell> list;
  for (const DemoCell& cell : cells) {
    SweepCell& added = list.emplace_back();
    added.spec = cell.spec;
    added.name = cell.name();
    added.run = cell.run;
  }
  return list;
}

}  // namespace

ExitCode run_demo(std::vector<DemoCell>& cells, const fs::path& out, const fs::path& configs) {
  std::vector<SweepCell> list = sweep_cells(cells);
  SweepOptions options;
  options.out = out;
  options.configs = configs;
  options.slots = make_slots(cells.front().spec.device, 1);
  options.same_engine = false;  // it shows; a matrix is for comparing
  DemoObserver observer(cells);
  const ExitCode end = run_sweep(list, options, observer);
  observer.follow(SweepProgress(list));  // when there was nothing to do, nobody has told it
  return end;
}

}  // namespace dtbench
