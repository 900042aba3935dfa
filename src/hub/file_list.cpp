#include "hub/file_list.h"

#include <map>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/read_file.h"
#include "base/text.h"
#include "hub/content_hash.h"
#include "hub/status_error.h"
#include "hub/url.h"

namespace dtbench {
namespace {

constexpr std::size_t kMostPages = 10'000;  // of 1,000 files as the Hub sends them
constexpr int kFormatVersion = 1;           // of the Python client's trees/<commit>.json

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

template <typename Value>
HubFile hub_file(const std::string& path, const Value& kept) {
  const bool large = kept.contains("lfs_sha256");
  return {path, kept.at(large ? "lfs_size" : "size").template get<std::int64_t>(),
          kept.at(large ? "lfs_sha256" : "blob_id").template get<std::string>()};
}

template <typename Value>
std::vector<HubFile> hub_files(const Value& kept) {
  std::vector<HubFile> files;
  for (const auto& [path, entry] : kept.at("files").items())
    files.push_back(hub_file(path, entry));
  return files;
}

// Link: <https://...?cursor=...>; rel="next". Mirrors pass on the Hub's own address, which is to be
// asked of them like the page before.
std::string next_page(const HttpResponse& page, const std::string& endpoint) {
  const std::string link = page.header("link");
  const std::size_t relation = link.find("rel=\"next\"");
  if (relation == std::string::npos) return "";
  const std::size_t end = link.rfind('>', relation);
  const std::size_t start = link.rfind('<', end);
  if (end == std::string::npos || start == std::string::npos) return "";
  const std::string next = resolve_url(page.url, link.substr(start + 1, end - start - 1));
  return url_origin(next) == url_origin(endpoint) ? next : at_endpoint(next, endpoint);
}

void add_page(const HttpResponse& page, std::map<std::string, OrderedJson>& files) {
  for (const Json& entry : parse_json(page.body))
    if (entry.at("type") == "file") files[entry.at("path")] = kept_entry(entry);
}

std::string hub_hint(const HubSettings& settings) {
  return concat("Check that HF_ENDPOINT ('", settings.endpoint, "') is a Hub's address.");
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
    std::set<std::string> asked;
    while (!url.empty()) {
      if (!asked.insert(url).second || asked.size() > kMostPages)
        throw Error(ExitCode::kPermanent,
                    concat(subject, ": the list of its files has no end: after ", asked.size(),
                           " pages '", shortened(url, 200), "' follows again or is one too many."),
                    hub_hint(http.settings()));
      const HttpResponse page = http.get(url, subject);
      if (!page.ok()) throw status_error(http.settings(), repository, subject, page);
      add_page(page, files);
      url = next_page(page, http.settings().endpoint);
    }
    const OrderedJson kept = {{"format_version", kFormatVersion}, {"files", files}};
    const std::vector<HubFile> listed = hub_files(kept);
    keep(kept, cached);
    return listed;
  } catch (const Json::exception& error) {
    throw Error(ExitCode::kPermanent,
                concat(subject, ": the list of its files has an unexpected format: ",
                       json_fault(error), "."),
                hub_hint(http.settings()));
  }
}

std::optional<std::vector<HubFile>> read_file_list(const std::filesystem::path& cached) {
  const std::optional<std::string> text = read_file(cached);
  if (!text) return std::nullopt;
  try {
    const Json kept = parse_json(*text);
    if (kept.at("format_version") != kFormatVersion) return std::nullopt;
    return hub_files(kept);
  } catch (const Json::exception&) {
    return std::nullopt;  // another version's, or damaged: it is fetched again
  }
}

}  // namespace dtbench
