#include "hub/listing_page.h"

#include "base/whole_number.h"
#include "hub/url.h"

namespace dtbench {
namespace {

using OrderedJson = nlohmann::ordered_json;

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

HubFile hub_file(const std::string& path, const Json& kept) {
  const bool large = kept.contains("lfs_sha256");
  return {path, static_cast<std::int64_t>(count_of(kept.at(large ? "lfs_size" : "size"))),
          kept.at(large ? "lfs_sha256" : "blob_id").get<std::string>()};
}

}  // namespace

void add_page(const HttpResponse& page, ListedFiles& files) {
  for (const Json& entry : parse_json(page.body))
    if (entry.at("type") == "file") files[entry.at("path")] = kept_entry(entry);
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

std::vector<HubFile> files_in_tree(const Json& tree) {
  std::vector<HubFile> files;
  for (const auto& [path, entry] : tree.at("files").items())
    files.push_back(hub_file(path, entry));
  return files;
}

}  // namespace dtbench
