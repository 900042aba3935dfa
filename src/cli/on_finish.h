// --on-finish COMMAND: what the user wants done when a matrix or study has ended and nobody may be
// there any more, such as an upload, or stopping the machine.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"

namespace dtbench {

struct Ending {
  ExitCode code = ExitCode::kDone;
  int signal = 0;  // that stopped it; 0: none did
  std::size_t cells = 0, done = 0, failed = 0, left_out = 0;
  std::filesystem::path out;
};

void add_on_finish_option(CLI::App& command, std::string& on_finish);

struct Work {
  std::function<void()> train;
  std::function<void()> conclude;  // writes and prints what came of it
  std::function<Ending()> ending;  // but for the code
};

// Trains, concludes, then runs `command`, if there is one, through sh: also when one of the two
// throws, which is thrown again afterwards, but not after Ctrl-C. It gets FINISHED_STATUS (done,
// budget, failed, stopped), FINISHED_EXIT_CODE, FINISHED_CELLS, FINISHED_DONE, FINISHED_FAILED,
// FINISHED_LEFT_OUT and FINISHED_OUT. Its exit code is told and changes nothing.
void work_and_finish(const std::string& command, const Work& work);

}  // namespace dtbench
