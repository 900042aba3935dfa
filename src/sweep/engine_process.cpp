#include "sweep/engine_process.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/child.h"
#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

// This program's environment, with some variables set.
std::vector<std::string> with_changes(const std::vector<std::string>& changes) {
  std::vector<std::string> variables = changes;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::string name = text.substr(0, text.find('=') + 1);
    if (std::none_of(changes.begin(), changes.end(),
                     [&](const std::string& change) { return change.starts_with(name); }))
      variables.push_back(text);
  }
  return variables;
}

// In the child, where only calls that are safe after a fork are allowed.
[[noreturn]] void become(const std::vector<char*>& command, const std::vector<char*>& environment,
                         int output, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it died before it could be watched
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execve(command.front(), command.data(), environment.data());
  constexpr char kMessage[] = "error: the engine cannot be executed: ";
  const char* reason = strerrordesc_np(errno);
  if (write(output, kMessage, sizeof kMessage - 1) > 0 && reason != nullptr &&
      write(output, reason, std::strlen(reason)) > 0)
    _exit(126);
  _exit(127);
}

std::string last_characters(int file, off_t count) {
  const off_t size = lseek(file, 0, SEEK_END);
  const off_t start = size > count ? size - count : 0;
  std::string text(static_cast<std::size_t>(size - start), '\0');
  const ssize_t got = pread(file, text.data(), text.size(), start);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

// Without line breaks and what indents them.
std::string in_one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == '\r' || c == ' ';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

EngineProcess::EngineProcess(std::vector<std::string> command,
                             const std::vector<std::string>& environment)
    : output_(memfd_create("engine output", MFD_CLOEXEC)) {
  if (output_ < 0) throw system_error("Cannot keep the output of", command.front());
  std::vector<std::string> variables = with_changes(environment);
  const std::vector<char*> arguments = pointers_to(command);
  const std::vector<char*> its_environment = pointers_to(variables);
  const pid_t parent = getpid();
  process_ = fork();
  if (process_ == 0) become(arguments, its_environment, output_, parent);
  if (process_ > 0) return;
  const int reason = errno;
  close(output_);
  errno = reason;
  throw system_error("Cannot start", command.front());
}

EngineProcess::~EngineProcess() {
  if (!ended_) {
    signal(SIGTERM);
    while (waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
    }
  }
  close(output_);
}

bool EngineProcess::ended() {
  if (!ended_) ended_ = waitpid(process_, &status_, WNOHANG) == process_;
  return ended_;
}

void EngineProcess::signal(int number) const {
  if (!ended_) kill(process_, number);
}

int EngineProcess::exit_code() const {
  return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
}

std::string EngineProcess::end() const {
  if (!WIFSIGNALED(status_)) return concat("exit code ", WEXITSTATUS(status_));
  const int number = WTERMSIG(status_);
  const char* hint = number == SIGKILL ? "; the system does this when memory runs out" : "";
  return concat("killed by signal ", number, " (", strsignal(number), hint, ")");
}

std::string EngineProcess::error() const {
  constexpr off_t kLooked = 4096;
  const std::string text = last_characters(output_, kLooked);
  const std::string mark = "error: ";
  if (const std::size_t place = text.rfind(mark); place != std::string::npos)
    return in_one_line(text.substr(place + mark.size()));
  const std::size_t end = text.find_last_not_of("\r\n ");
  if (end == std::string::npos) return "";
  const std::size_t start = text.find_last_of("\r\n", end);
  return in_one_line(text.substr(start == std::string::npos ? 0 : start + 1));
}

}  // namespace dtbench
