// Messages for people, on standard error; standard output is for results. What could steer a
// terminal is escaped (base/text.h).
#pragma once

#include <string_view>

namespace dtbench {

void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

}  // namespace dtbench
