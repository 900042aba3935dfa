#include "cli/demo_view.h"

#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "cli/live_block.h"
#include "cli/run_summary.h"

namespace dtbench {
namespace {

class LiveView : public DemoView {
 public:
  void tick(const DemoProgress& progress) override {
    block_.draw(demo_screen(progress, block_.width()));
  }
  void cell_ended(const DemoProgress& progress) override { tick(progress); }
  void leave() override { block_.leave(); }
  void enter() override { block_.enter(); }

 private:
  LiveBlock block_{STDERR_FILENO};
};

class PlainView : public DemoView {
 public:
  void tick(const DemoProgress& progress) override {
    if (told_) return;
    told_ = true;
    log_info(concat(progress.cells.size(), " cells, ", progress.ended(), " of them already done"));
  }
  void cell_ended(const DemoProgress& progress) override {
    const DemoCell& cell = *progress.running;
    std::string line =
        concat("[", progress.ended(), "/", progress.cells.size(), "] ", cell.name(), " ",
               cell.failure.empty() ? one_line(cell.row) : "failed: ", cell.failure);
    if (progress.left_s) line += concat("; ETA ", human_seconds(*progress.left_s));
    log_info(line);
  }
  void leave() override {}
  void enter() override {}

 private:
  bool told_ = false;
};

}  // namespace

std::size_t DemoProgress::ended() const {
  return static_cast<std::size_t>(
      std::count_if(cells.begin(), cells.end(), [](const DemoCell& cell) { return cell.ended; }));
}

std::unique_ptr<DemoView> make_demo_view() {
  if (LiveBlock::possible_on(STDERR_FILENO)) return std::make_unique<LiveView>();
  return std::make_unique<PlainView>();
}

}  // namespace dtbench
