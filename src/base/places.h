// Where the program finds what it needs.
#pragma once

#include <filesystem>

namespace dtbench {

// The folder that the running program lies in.
std::filesystem::path program_folder();

// DTBENCH_CONFIGS, else the `configs` folder of the nearest folder above the program that has one.
// Throws Error (usage) when there is none.
std::filesystem::path configs_folder();

// DTBENCH_CACHE, else ${XDG_CACHE_HOME:-~/.cache}/dtbench. Throws Error: usage without a home;
// permanent when it belongs to another user than this one and root.
std::filesystem::path cache_folder();

// dtbench-engine, beside this program. Throws Error (permanent) when it is not there.
std::filesystem::path engine_program();

}  // namespace dtbench
