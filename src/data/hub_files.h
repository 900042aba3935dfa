// Files of the Hugging Face Hub. The client (src/hub) is a plug-in, libdtbench_hub.so beside the
// program, which links libcurl; it is loaded when the first address on the Hub is used.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/hub_address.h"
#include "config/run_spec.h"
#include "data/byte_source.h"

namespace dtbench {

inline constexpr const char* kHubPlugin = "libdtbench_hub.so";

struct HubListedFile {
  std::string path;  // in its repository
  std::string
      sha256;  // of the content; "" for a small file, of which the Hub knows git's hash only
};

// Everything throws Error that names repository, revision and file, and what to try: usage (2) for
// what does not exist, retryable (3) where the network or the server failed, permanent (4) for what
// is not allowed, or not in the cache when offline (docs/hub.md). For one thread at a time.
class HubFiles {
 public:
  virtual ~HubFiles() = default;

  // The commit that the address's revision stands for; the same at each call, should it move.
  virtual std::string commit(const HubAddress& repository) = 0;

  // The files in the address's folder and below, sorted by path.
  virtual std::vector<HubListedFile> list(const HubAddress& folder) = 0;

  // The file's path in the cache, downloaded if it is not there yet. Its content is checked against
  // its hash each time: what is damaged is moved aside and fetched again.
  virtual std::filesystem::path fetch(const HubAddress& file) = 0;

  // The file to be read by ranges: no more is fetched than is asked for.
  virtual std::unique_ptr<ByteSource> open(const HubAddress& file) = 0;

  // Checks all of the repository's cached contents, whatever their revision, and moves aside what
  // is damaged: {"files", "bytes", "corrupt": [{"files", "expected", "found", "moved_to"}]}.
  virtual Json verify(const HubAddress& repository) = 0;
};

// The one of this process, with the settings of the environment. Throws Error (permanent) when this
// build has no plug-in.
HubFiles& hub_files();

// The file of initial weights, or their index, fetched with its shards where it is on the Hub; ""
// where weights are drawn.
std::filesystem::path initial_weights_file(const RunSpec& spec);

// What of the spec is on the Hub, at which commits: {"data": {"address", "commit"}, "tokenizer",
// "initial_weights"}, those that are. What a record keeps.
Json hub_sources(const RunSpec& spec);

}  // namespace dtbench

// What the plug-in exports. The caller owns the result.
extern "C" __attribute__((visibility("default"))) dtbench::HubFiles* dtbench_open_hub();
