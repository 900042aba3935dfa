#include "base/error.h"

#include <cerrno>
#include <system_error>

#include "base/text.h"

namespace dtbench {
namespace {

std::string hint_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "Free some space, or choose another place with --out or DTBENCH_CACHE.";
    case EFBIG:
      return "Raise the limit on files (ulimit -f), or choose another file system.";
    case EROFS:
    case EACCES:
    case EPERM:
    case ENOTDIR:
    case EEXIST:
      return "Check the permissions, or choose another place: --out for records, DTBENCH_CACHE for "
             "prepared data, HF_HUB_CACHE for files from the Hub.";
    default:
      return "";
  }
}

// Names and values in messages come from command lines and files: a long one must not hide the
// rest, which most often stands at the end, and none may steer a terminal.
std::string readable(const std::string& text) {
  constexpr std::size_t kLongest = 4000, kEnd = 1000;
  if (text.size() <= kLongest) return printable(text);
  const std::string head = shortened(text, kLongest - kEnd);
  std::size_t tail = text.size() - kEnd;
  while (tail < text.size() && (text[tail] & 0xC0) == 0x80)
    ++tail;
  return printable(
      concat(head, " [", tail - (kLongest - kEnd), " bytes left out] ...", text.substr(tail)));
}

ExitCode code_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EINTR:
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case EIO:
      return ExitCode::kRetryable;
    case ENOTDIR:
      return ExitCode::kUsage;
    default:
      return ExitCode::kPermanent;
  }
}

}  // namespace

Error::Error(ExitCode code, const std::string& message, const std::string& hint)
    : std::runtime_error(hint.empty() ? readable(message)
                                      : readable(message) + "\n  try: " + readable(hint)),
      code_(code) {}

Error usage_error(const std::string& message, const std::string& hint) {
  return Error(ExitCode::kUsage, message, hint);
}

Error system_error(const std::string& doing, const std::string& path) {
  const int error = errno;
  return Error(code_for(error),
               doing + " '" + path + "': " + std::system_category().message(error) + ".",
               hint_for(error));
}

}  // namespace dtbench
