// What the Hub plug-in exports to data/hub_files.cpp.
#pragma once

#include "data/hub_files.h"

// The caller owns the result.
extern "C" __attribute__((visibility("default"))) dtbench::HubFiles* dtbench_open_hub();
