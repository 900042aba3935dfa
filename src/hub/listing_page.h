// One page of the Hub's list of a commit's files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "hub/hub_file.h"
#include "hub/transfer.h"

namespace dtbench {

// By path, as the Python client keeps them in trees/<commit>.json, in its order of members.
using ListedFiles = std::map<std::string, nlohmann::ordered_json>;

// Adds the page's files. Throws Json::exception for a body that is no page.
void add_page(const HttpResponse& page, ListedFiles& files);

// The address of the page after it (header Link), at `endpoint`; "" where it is the last.
std::string next_page(const HttpResponse& page, const std::string& endpoint);

// Of trees/<commit>.json, or of what is to be kept there. Throws Json::exception for anything else.
std::vector<HubFile> files_in_tree(const Json& tree);

}  // namespace dtbench
