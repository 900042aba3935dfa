// Errors that reach the user: what was expected, what came, what to try, and the exit code.
// Exceptions are for input; assertions are for bugs.
#pragma once

#include <stdexcept>
#include <string>

namespace dtbench {

// Exit codes of both programs. A diverged or skipped cell is a result and ends with kDone.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,      // wrong command line, configuration or input file
  kRetryable = 3,  // may succeed if tried again: disk full, lock held, server busy
  kPermanent = 4,  // will not succeed as asked: out of memory, unsupported device
  kInterrupted = 130,
};

class Error : public std::runtime_error {
 public:
  // `message`: one or two sentences that name file, field, what was expected and what came.
  // `hint`: what to try; empty if there is nothing to try.
  Error(ExitCode code, const std::string& message, const std::string& hint = "");
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// Input the user can correct (exit code 2).
Error usage_error(const std::string& message, const std::string& hint = "");

// A failed system call on `path`: exit code 3 if another try may succeed, 2 for a file in the place
// of a folder, else 4. Call it directly after the failure: it reads errno.
Error system_error(const std::string& doing, const std::string& path);

}  // namespace dtbench
