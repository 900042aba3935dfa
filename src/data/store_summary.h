// What `dtbench data` says of tokenized stores.
#pragma once

#include <filesystem>

#include "base/json.h"

namespace dtbench {

// {"fingerprint", "path", "state", "name", "synthetic", "token_scheme", "view", "documents",
// "tokens", "labels", "bytes", "age_s"}: documents and tokens of both splits, bytes on disk,
// seconds since it was prepared. State is "whole" (as far as sizes tell), "damaged", or
// "quarantined"; but for "whole", what meta.json would tell is null.
Json store_summary(const std::filesystem::path& store, bool quarantined);

// The summary, and besides "files" with their bytes, "counts", "constant_answers",
// "label_statistics" (labels a document by split; the most frequent with their training documents),
// and "examples": the beginnings of the first documents, decoded. Throws Error for a store that is
// not whole.
Json store_details(const std::filesystem::path& store);

}  // namespace dtbench
