#include "hub/file_list.h"

#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/read_file.h"
#include "base/text.h"
#include "hub/listing_page.h"
#include "hub/status_error.h"

namespace dtbench {
namespace {

constexpr std::size_t kMostPages = 10'000;  // of 1,000 files as the Hub sends them
constexpr int kFormatVersion = 1;           // of the Python client's trees/<commit>.json

using OrderedJson = nlohmann::ordered_json;

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
  ListedFiles files;
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
    const std::vector<HubFile> listed = files_in_tree(kept);
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
    return files_in_tree(kept);
  } catch (const Json::exception&) {
    return std::nullopt;  // another version's, or damaged: it is fetched again
  }
}

}  // namespace dtbench
