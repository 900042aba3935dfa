// What a person sees of a demonstration while it goes on.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/demo_cells.h"

namespace dtbench {

struct DemoProgress {
  explicit DemoProgress(const std::vector<DemoCell>& all) : cells(all) {}

  const std::vector<DemoCell>& cells;
  const DemoCell* running = nullptr;  // the one that is being trained
  std::optional<LastStep> step;       // its last
  std::optional<double> left_s;       // until all cells are done
  bool stopping = false;              // it saves a checkpoint and ends

  std::size_t ended() const;
};

class DemoView {
 public:
  virtual ~DemoView() = default;
  virtual void tick(const DemoProgress& progress) = 0;        // ten times a second
  virtual void cell_ended(const DemoProgress& progress) = 0;  // of `running`, whose row is there
  virtual void leave() = 0;                                   // before the process stops (Ctrl-Z)
  virtual void enter() = 0;                                   // when it goes on
};

// A table that is redrawn in place where standard error is a terminal, a line a cell elsewhere.
std::unique_ptr<DemoView> make_demo_view();

// The table's lines, of at most `width` characters.
std::vector<std::string> demo_screen(const DemoProgress& progress, std::size_t width);

}  // namespace dtbench
