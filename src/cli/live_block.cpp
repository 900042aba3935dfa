#include "cli/live_block.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/table.h"
#include "base/text.h"

namespace dtbench {
namespace {

struct Size {
  std::size_t columns = 80, rows = 24;
};

Size size_of(int terminal) {
  winsize size{};
  if (ioctl(terminal, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

// A terminal that is gone is no reason to stop training.
void write_out(int terminal, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(terminal, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

bool LiveBlock::possible_on(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) == 1 && tcgetpgrp(descriptor) == getpgrp() && kind != nullptr &&
         std::string_view(kind) != "dumb";
}

LiveBlock::LiveBlock(int terminal) : terminal_(terminal) {
  enter();
}

LiveBlock::~LiveBlock() {
  leave();
}

void LiveBlock::enter() {
  termios mode{};
  if (tcgetpgrp(terminal_) != getpgrp() || tcgetattr(terminal_, &mode) != 0) return;
  before_ = mode;
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  // Else Ctrl-C discards what the terminal has not shown yet, perhaps half of a frame, and the way
  // back to the block's start is no longer known.
  mode.c_lflag |= NOFLSH;
  tcsetattr(terminal_, TCSADRAIN, &mode);
}

void LiveBlock::leave() {
  clear();
  // From the background this would stop the process, and the mode is the shell's.
  // Keys that were typed at the block, unseen, are not for the shell.
  if (before_ && tcgetpgrp(terminal_) == getpgrp()) tcsetattr(terminal_, TCSAFLUSH, &*before_);
  before_.reset();
}

// The last column stays free: terminals differ in where the cursor goes from there.
std::size_t LiveBlock::width() const {
  return size_of(terminal_).columns - 1;
}

// Up over the rows that the block takes now: a terminal that became narrower has wrapped its lines.
std::string LiveBlock::back_to_start() const {
  const std::size_t columns = size_of(terminal_).columns;
  std::size_t rows = 0;
  for (const std::string& line : drawn_)
    rows += std::max<std::size_t>(1, (width_of(line) + columns - 1) / columns);
  return rows == 0 ? "\r" : concat("\r\033[", rows, "A");
}

void LiveBlock::draw(const std::vector<std::string>& lines) {
  const std::size_t room = size_of(terminal_).rows - 1;  // below, for the cursor
  const std::size_t first = lines.size() > room ? lines.size() - room : 0;
  std::string text = back_to_start();
  drawn_.assign(lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end());
  for (const std::string& line : drawn_)
    text += line + "\033[K\n";
  write_out(terminal_, text + "\033[J");
}

void LiveBlock::clear() {
  if (!drawn_.empty()) write_out(terminal_, back_to_start() + "\033[J");
  drawn_.clear();
}

}  // namespace dtbench
