#include "base/log.h"

#include <iostream>

namespace dtbench {

void log_info(std::string_view message) {
  std::cerr << message << '\n';
}

void log_warning(std::string_view message) {
  std::cerr << "warning: " << message << '\n';
}

void log_error(std::string_view message) {
  std::cerr << "error: " << message << '\n';
}

}  // namespace dtbench
