#include "hub/file_list.h"

#include <fstream>
#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/content_hash.h"
#include "hub/status_error.h"
#include "hub/url.h"

namespace dtbench {
namespace {

constexpr int kFormatVersion = 1;  // of the Python client's trees/<commit>.json

using OrderedJson = nlohmann::ordered_json;  // the Python client's order of members

// A file as the Python client keeps it, from an entry of the Hub's listing.
OrderedJson kept_entry(const Json& entry) {
  OrderedJson kept = {{"size", entry.at("size")}, {"blob_id", entry.at("oid")}};
  if (const Json lfs = entry.value("lfs", Json()); !lfs.is_null()) {
    kept["lfs_sha256"] = lfs.at("oid");
    kept["lfs_size"] = lfs.at("size");
  }
  if (const Json xet = entry.value("xetHash", Json()); !xet.is_null()) kept["xet_hash"] = xet;
  return kept;
}

HubFile hub_file(const std::string& path, const OrderedJson& kept) {
  const bool large = kept.contains("lfs_sha256");
  return {path, kept.at(large ? "lfs_size" : "size").get<std::int64_t>(),
          kept.at(large ? "lfs_sha256" : "blob_id").get<std::string>()};
}

std::vector<HubFile> hub_files(const OrderedJson& kept) {
  std::vector<HubFile> files;
  for (const auto& [path, entry] : kept.at("files").items())
    files.push_back(hub_file(path, entry));
  return files;
}

// Link: <https://...?cursor=...>; rel="next"
std::string next_page(const HttpResponse& page) {
  const std::string link = page.header("link");
  const std::size_t relation = link.find("rel=\"next\"");
  if (relation == std::string::npos) return "";
  const std::size_t end = link.rfind('>', relation);
  const std::size_t start = link.rfind('<', end);
  if (end == std::string::npos || start == std::string::npos) return "";
  return resolve_url(page.url, link.substr(start + 1, end - start - 1));
}

void add_page(const HttpResponse& page, std::map<std::string, OrderedJson>& files) {
  for (const Json& entry : Json::parse(page.body))
    if (entry.at("type") == "file") files[entry.at("path")] = kept_entry(entry);
}

// A cache that cannot be written only costs another request the next time.
void keep(const OrderedJson& kept, const std::filesystem::path& cached) {
  try {
    make_directories(cached.parent_path());
    write_file_atomically(cached, kept.dump(1, ' ', true));
  } catch (const Error& error) {
    log_warning(error.what());
  }
}

}  // namespace

std::vector<HubFile> fetch_file_list(HttpClient& http, const Repository& repository,
                                     const std::string& commit,
                                     const std::filesystem::path& cached) {
  const std::string subject = describe(repository);
  std::map<std::string, OrderedJson> files;
  std::string url = concat(api_url(http.settings().endpoint, repository), "/tree/", commit,
                           "?recursive=True&expand=False");
  try {
    while (!url.empty()) {
      const HttpResponse page = http.get(url, subject);
      if (!page.ok()) throw status_error(http.settings(), repository, subject, page);
      add_page(page, files);
      url = next_page(page);
    }
    const OrderedJson kept = {{"format_version", kFormatVersion}, {"files", files}};
    const std::vector<HubFile> listed = hub_files(kept);
    keep(kept, cached);
    return listed;
  } catch (const Json::exception& error) {
    throw Error(
        ExitCode::kPermanent,
        concat(subject, ": the list of its files has an unexpected format: ", error.what(), "."),
        concat("Check that HF_ENDPOINT ('", http.settings().endpoint,
               "') is the address of a Hub."));
  }
}

std::optional<std::vector<HubFile>> read_file_list(const std::filesystem::path& cached) {
  std::ifstream in(cached);
  if (!in) return std::nullopt;
  try {
    const OrderedJson kept = OrderedJson::parse(in);
    if (kept.at("format_version") != kFormatVersion) return std::nullopt;
    return hub_files(kept);
  } catch (const Json::exception&) {
    return std::nullopt;  // another version's, or damaged: it is fetched again
  }
}

}  // namespace dtbench
