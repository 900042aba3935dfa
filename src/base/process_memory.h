// Memory of this process, from Linux's /proc (proc(5)); 0 where the system does not tell.
#pragma once

#include <cstdint>

namespace dtbench {

std::int64_t resident_bytes();  // now
std::int64_t swapped_bytes();   // now
// The most that was ever resident, of this program alone: getrusage's maximum begins with what the
// process held before it executed the program.
std::int64_t peak_resident_bytes();

}  // namespace dtbench
