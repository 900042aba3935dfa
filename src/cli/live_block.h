// A block of lines at the end of a terminal's text, redrawn in place.
#pragma once

#include <termios.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace dtbench {

class LiveBlock {
 public:
  // Whether `descriptor` is a terminal that understands this, and this process may draw on it.
  static bool possible_on(int descriptor);

  // Keys are not echoed while it is there: they would move what is drawn.
  explicit LiveBlock(int terminal);
  ~LiveBlock();  // clears
  LiveBlock(const LiveBlock&) = delete;
  LiveBlock& operator=(const LiveBlock&) = delete;

  std::size_t width() const;  // columns that a line may fill
  // Lines of at most width() characters. Written over the old ones in one piece, so nothing
  // flickers.
  void draw(const std::vector<std::string>& lines);
  // Takes the block away; the cursor stands where it began.
  void clear();
  // Around a stop of the process (Ctrl-Z), when the terminal is the shell's.
  void leave();
  void enter();

 private:
  std::string back_to_start() const;

  int terminal_;
  std::vector<std::string> drawn_;
  std::optional<termios> before_;
};

}  // namespace dtbench
