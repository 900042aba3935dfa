// Data sets of the Hub as data files: data_files for an address.
#pragma once

#include <string>
#include <vector>

#include "config/hub_address.h"
#include "data/data_file.h"
#include "data/joined_source.h"

namespace dtbench {

// The files of one data set: of the repository's folder or, where its files are in one folder only
// (the configuration, as the Hub calls it), of that. See data_files.
std::vector<DataFile> hub_data_files(const HubAddress& address, const SourceLimits& limits);

}  // namespace dtbench
