#include "base/log.h"

#include <iostream>

#include "base/text.h"

namespace dtbench {

void log_info(std::string_view message) {
  std::cerr << printable(message) << '\n';
}

void log_warning(std::string_view message) {
  std::cerr << "warning: " << printable(message) << '\n';
}

void log_error(std::string_view message) {
  std::cerr << "error: " << printable(message) << '\n';
}

}  // namespace dtbench
