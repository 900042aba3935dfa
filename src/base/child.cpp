#include "base/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/error.h"

namespace dtbench {
namespace {

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = read(descriptor, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return text;
  }
}

// In the child, where only calls that are safe after a fork are allowed. It ends with its parent.
[[noreturn]] void become(const std::vector<char*>& command, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it died before it could be watched
  dup2(output, STDOUT_FILENO);
  execv(command.front(), command.data());
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

ChildOutput run_child(const std::vector<std::string>& arguments) {
  std::vector<std::string> copies = arguments;
  const std::vector<char*> pointers = pointers_to(copies);
  if (access(pointers[0], X_OK) != 0) throw system_error("Cannot execute", copies[0]);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error("Cannot make a pipe to", copies[0]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(pointers, ends[1], parent);
  const int reason = errno;
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    errno = reason;
    throw system_error("Cannot start", copies[0]);
  }
  ChildOutput result;
  result.output = read_all(ends[0]);
  close(ends[0]);
  result.status = wait_for(child);
  return result;
}

}  // namespace dtbench
