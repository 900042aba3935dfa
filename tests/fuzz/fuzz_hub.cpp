#include <algorithm>

#include "fuzz/harness.h"
#include "hub/content_hash.h"
#include "hub/file_list.h"
#include "hub/file_metadata.h"
#include "hub/http_client.h"
#include "hub/listing_page.h"
#include "hub/parquet_files.h"
#include "hub/url.h"

namespace dtbench {
namespace {

const std::string kCommit(40, 'a');

HttpResponse reply(std::string_view head, std::string_view body) {
  HttpResponse response;
  response.url = "https://huggingface.co/api/datasets/owner/name";
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size() - 1) + 1;
    add_header(response, head.substr(0, end));
    head.remove_prefix(end);
  }
  response.body = body;
  return response;
}

}  // namespace

// The head of a reply, the body of a page, and a list that was kept.
void fuzz_listing(std::string_view bytes) {
  const auto parts = parts_of(bytes, 3);
  const HttpResponse page = reply(parts[0], parts[1]);
  const std::string next = next_page(page, "https://mirror.example/hub");
  require(next.empty() || url_origin(next) == "https://mirror.example:443",
          "the next page is asked of the endpoint");
  if (const auto kept = read_file_list(scratch_file("listing", "tree.json", parts[2])))
    parquet_files(*kept);
  try {
    ListedFiles files;
    add_page(page, files);
    for (const HubFile& file : files_in_tree(nlohmann::ordered_json{{"files", files}}))
      check_path(Repository{}, file.path);
  } catch (const Json::exception&) {  // which fetch_file_list turns into an Error
  }
}

// The head of a reply that describes a file.
void fuzz_headers(std::string_view bytes) {
  const HttpResponse response = reply(bytes, "");
  may_pass(response);
  retry_after_s(response);
  if (response.is_redirect()) url_origin(resolve_url(response.url, response.header("location")));
  const FileMetadata file = metadata_of(response, HubSettings{}, {RepositoryType::kModel, "gpt2"},
                                        kCommit, "model.safetensors");
  require(is_content_hash(file.hash), "content is verifiable");
  require(file.size.value_or(0) >= 0, "a size is not negative");
}

}  // namespace dtbench
