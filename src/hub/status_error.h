// What a reply that is no success means, and what to do about it.
#pragma once

#include <string>

#include "base/error.h"
#include "hub/repository.h"
#include "hub/settings.h"
#include "hub/transfer.h"

namespace dtbench {

// `subject` names repository, revision and file (describe). Exit codes: 2 for what does not exist,
// 3 where the server was busy, 4 for what is not allowed and everything else.
Error status_error(const HubSettings& settings, const Repository& repository,
                   const std::string& subject, const HttpResponse& response);

// The same for a file's content: large files are at a store of their own, where addresses hold for
// a while and no token counts.
Error content_error(const HubSettings& settings, const Repository& repository,
                    const std::string& subject, const HttpResponse& response);

// `subject` is not in the cache, and the Hub must not be asked. `path`: the file, or "" for all.
Error offline_error(const HubSettings& settings, const Repository& repository,
                    const std::string& subject, const std::string& path);

}  // namespace dtbench
