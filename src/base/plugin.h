// Shared libraries beside the program, loaded when they are first needed, so that everything else
// starts without what they link and can be built and run where that is missing.
#pragma once

#include <string>

namespace dtbench {

// The function `entry` of the library `file` in the program's folder. Throws Error (permanent)
// where it is not to be had, beginning with `consequence`, what cannot be done then.
void* plugin_entry(const std::string& file, const char* entry, const std::string& consequence,
                   const std::string& hint);

// Whether the library is there.
bool has_plugin(const std::string& file);

}  // namespace dtbench
