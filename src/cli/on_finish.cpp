#include "cli/on_finish.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <iostream>
#include <vector>

#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/commands.h"
#include "sweep/signals.h"

namespace dtbench {
namespace {

constexpr double kSecondsBetweenLooks = 0.5;
constexpr int kNotFound = 127, kNotExecutable = 126;

const char* status_of(const Ending& ending) {
  if (ending.signal != 0) return "stopped";
  if (ending.code != ExitCode::kDone) return "failed";
  return ending.left_out > 0 ? "budget" : "done";
}

std::vector<std::string> environment_of(const Ending& ending) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!std::string_view(*variable).starts_with("FINISHED_")) variables.emplace_back(*variable);
  const auto add = [&](const char* name, const auto& value) {
    variables.push_back(concat("FINISHED_", name, "=", value));
  };
  add("STATUS", status_of(ending));
  add("EXIT_CODE", static_cast<int>(ending.code));
  add("CELLS", ending.cells);
  add("DONE", ending.done);
  add("FAILED", ending.failed);
  add("LEFT_OUT", ending.left_out);
  add("OUT", std::filesystem::absolute(ending.out).lexically_normal().string());
  return variables;
}

// Its output goes to standard error, as standard output may be read as JSON. No signal is blocked
// in it. Throws Error.
pid_t start(const std::string& command, const Ending& ending) {
  std::vector<std::string> words = {"/bin/sh", "-c", command};
  std::vector<std::string> variables = environment_of(ending);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int fault = posix_spawn(&child, "/bin/sh", &files, &attributes, pointers_to(words).data(),
                                pointers_to(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (fault == 0) return child;
  errno = fault;
  throw system_error("Cannot start", "/bin/sh");
}

// Its status as of waitpid(2). Signals go to it, but for Ctrl-C, which a terminal sends to both.
int wait_for(pid_t child, const SignalQueue& signals) {
  int status = 0;
  while (waitpid(child, &status, WNOHANG) != child) {
    const int signal = signals.next(kSecondsBetweenLooks);
    if (signal != 0 && signal != SIGCHLD && signal != SIGINT) kill(child, signal);
  }
  return status;
}

std::string in_words(int status) {
  if (WIFSIGNALED(status)) return concat("was ended by signal ", WTERMSIG(status));
  const int code = WEXITSTATUS(status);
  const char* meaning = "";
  if (code == kNotFound) meaning = ": there is no such command";
  if (code == kNotExecutable) meaning = ": the command cannot be executed";
  return concat("ended with exit code ", code, meaning);
}

void finish(const std::string& command, const Ending& ending, const SignalQueue& signals) {
  log_info(concat("--on-finish (", status_of(ending), "): ", command));
  std::cout.flush();  // it may be this machine's end
  try {
    const double begin = steady_seconds();
    const int status = wait_for(start(command, ending), signals);
    const std::string how = concat("--on-finish ", in_words(status), ", after ",
                                   human_seconds(steady_seconds() - begin));
    if (status == 0)
      log_info(how + ".");
    else
      log_warning(concat(how, ". The records in '", ending.out.string(), "' are whole."));
  } catch (const Error& error) {
    log_warning(concat("--on-finish was not run: ", error.what()));
  }
}

// What `step` throws, so that more can be done before it goes on; its exit code in `code`.
std::exception_ptr caught(const std::function<void()>& step, ExitCode& code) {
  try {
    step();
    return nullptr;
  } catch (const Ended& ended) {
    code = ended.code;
    return std::current_exception();
  } catch (const Error& error) {
    log_info(concat("stopped by an error: ", error.what()));  // told again, if there is an again
    code = error.code();
    return std::current_exception();
  } catch (...) {
    code = ExitCode::kPermanent;
    return std::current_exception();
  }
}

}  // namespace

void add_on_finish_option(CLI::App& command, std::string& on_finish) {
  command.add_option(
      "--on-finish", on_finish,
      "shell command to run at the end, after success or failure but not after Ctrl-C; "
      "FINISHED_STATUS and other environment variables tell it the outcome (docs/matrix.md)");
}

void work_and_finish(const std::string& command, const Work& work) {
  if (command.empty()) {
    work.train();
    work.conclude();
    return;
  }
  // From here on signals wait for who asks for them: one that comes late must not end the program
  // before the command was run.
  const SignalQueue signals({SIGCHLD});
  ExitCode code = ExitCode::kDone;
  std::exception_ptr thrown = caught(work.train, code);
  if (!thrown) thrown = caught(work.conclude, code);
  Ending ending = work.ending();
  ending.code = code;
  bool by_hand = ending.signal == SIGINT;
  while (const int signal = signals.next(0))
    by_hand = by_hand || signal == SIGINT;
  if (by_hand)
    log_info("--on-finish was not run, because of Ctrl-C.");
  else
    finish(command, ending, signals);
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace dtbench
