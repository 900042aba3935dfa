// Which files a commit has.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/http_client.h"
#include "hub/hub_file.h"
#include "hub/repository.h"

namespace dtbench {

// GET /api/{models,datasets}/{id}/tree/{commit}?recursive=True, page by page (header Link), sorted
// by path; kept in `cached`, as the Python client keeps it, for another time and for offline use.
// Throws Error.
std::vector<HubFile> fetch_file_list(HttpClient& http, const Repository& repository,
                                     const std::string& commit,
                                     const std::filesystem::path& cached);

// What was kept; none where nothing usable is.
std::optional<std::vector<HubFile>> read_file_list(const std::filesystem::path& cached);

}  // namespace dtbench
