// What needs libcurl, as a plug-in: the Hub client, which data/hub_files.h loads, and single
// requests (base/http_get.h).
#include <algorithm>
#include <utility>

#include "base/http_get.h"
#include "data/hub_files.h"
#include "hub/content_hash.h"
#include "hub/hub.h"
#include "hub/transfer.h"

namespace dtbench {
namespace {

Repository repository_of(const HubAddress& address) {
  return {address.dataset ? RepositoryType::kDataset : RepositoryType::kModel, address.id,
          address.revision};
}

Json to_json(const CorruptBlob& blob) {
  Json files = Json::array();
  for (const std::filesystem::path& link : blob.links)
    files.push_back(link.string());
  return {{"files", files},
          {"expected", blob.hash},
          {"found", blob.found},
          {"moved_to", blob.moved_to.string()}};
}

class PluginHub : public HubFiles {
 public:
  std::string commit(const HubAddress& repository) override {
    return hub_.commit(repository_of(repository));
  }

  std::vector<HubListedFile> list(const HubAddress& folder) override {
    const std::string below = folder.path.empty() ? "" : folder.path + "/";
    std::vector<HubListedFile> files;
    for (HubFile& file : hub_.list(repository_of(folder), folder.path))
      if (file.path.starts_with(below) || file.path == folder.path)
        files.push_back({std::move(file.path), is_sha256(file.hash) ? file.hash : ""});
    return files;
  }

  std::filesystem::path fetch(const HubAddress& file) override {
    return hub_.verified_file(repository_of(file), file.path);
  }

  std::unique_ptr<ByteSource> open(const HubAddress& file) override {
    return hub_.open(repository_of(file), file.path);
  }

  Json verify(const HubAddress& repository) override {
    const Verification found = hub_.verify(repository_of(repository));
    Json corrupt = Json::array();
    for (const CorruptBlob& blob : found.corrupt)
      corrupt.push_back(to_json(blob));
    return {{"files", found.blobs}, {"bytes", found.bytes}, {"corrupt", corrupt}};
  }

 private:
  Hub hub_{hub_settings_from_environment()};
};

}  // namespace
}  // namespace dtbench

void dtbench_http_get(const std::string& url, const std::string& bearer, double seconds,
                      dtbench::HttpAnswer& answer) {
  const int stall_s = static_cast<int>(seconds) + 1;
  dtbench::Transfer transfer(seconds, stall_s, std::make_shared<std::atomic<std::int64_t>>(0));
  dtbench::HttpRequest request{"GET", url, dtbench::Secret(bearer), {}, seconds};
  dtbench::HttpResponse response = transfer.perform(request);
  answer = {response.status, std::move(response.body)};
}

dtbench::HubFiles* dtbench_open_hub() {
  return std::make_unique<dtbench::PluginHub>().release();
}
