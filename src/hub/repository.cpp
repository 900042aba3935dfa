#include "hub/repository.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/text.h"
#include "hub/url.h"

namespace dtbench {
namespace {

bool is_dataset(const Repository& repository) {
  return repository.type == RepositoryType::kDataset;
}

// huggingface_hub's validate_repo_id, part by part.
bool is_id_part(const std::string& part) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  return !part.empty() && std::all_of(part.begin(), part.end(), is_plain) &&
         std::string("-.").find(part.front()) == std::string::npos &&
         std::string("-.").find(part.back()) == std::string::npos &&
         part.find("--") == std::string::npos && part.find("..") == std::string::npos &&
         !part.ends_with(".git");
}

bool is_id(const std::string& id) {
  const std::size_t slash = id.find('/');
  return id.size() <= 96 && is_id_part(id.substr(0, slash)) &&
         (slash == std::string::npos || is_id_part(id.substr(slash + 1)));
}

// Relative, without empty parts, "." and "..": stays inside the folder that it is put into.
bool is_inside(const std::string& path) {
  std::size_t start = 0;
  for (;;) {
    const std::size_t slash = path.find('/', start);
    const std::string part = path.substr(start, slash - start);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string::npos) break;
    start = slash + 1;
  }
  return path.find('\\') == std::string::npos && path.find('\0') == std::string::npos;
}

}  // namespace

void check(const Repository& repository) {
  if (!is_id(repository.id))
    throw usage_error(concat("A repository of the Hub is named 'owner/name' (or 'name'), got '",
                             repository.id, "'."),
                      "Copy the id from its page on the Hub.");
  if (!is_inside(repository.revision))
    throw usage_error(concat("A revision is a branch, a tag or a commit, got '",
                             repository.revision, "' for '", repository.id, "'."),
                      "Most repositories have 'main'.");
}

void check_path(const Repository& repository, const std::string& path) {
  if (!is_inside(path))
    throw usage_error(
        concat("'", path, "' is not the path of a file inside the ", named(repository), "."),
        "Give it as the Hub's page shows it, like 'data/train.parquet'.");
}

bool is_commit(const std::string& revision) {
  return revision.size() == 40 && is_hexadecimal(revision);
}

std::string cache_folder_name(const Repository& repository) {
  std::string name = is_dataset(repository) ? "datasets--" : "models--";
  for (const char c : repository.id) {
    if (c == '/')
      name += "--";
    else
      name += c;
  }
  return name;
}

std::string api_url(const std::string& endpoint, const Repository& repository) {
  return concat(endpoint, is_dataset(repository) ? "/api/datasets/" : "/api/models/",
                repository.id);
}

std::string page_url(const std::string& endpoint, const Repository& repository) {
  return concat(endpoint, is_dataset(repository) ? "/datasets/" : "/", repository.id);
}

std::string file_url(const std::string& endpoint, const Repository& repository,
                     const std::string& revision, const std::string& path) {
  return concat(page_url(endpoint, repository), "/resolve/", quote_url(revision), "/",
                quote_url(path, "/"));
}

std::string named(const Repository& repository) {
  return concat(is_dataset(repository) ? "data set '" : "model '", repository.id, "' at revision '",
                repository.revision, "'");
}

std::string describe(const Repository& repository) {
  std::string name = named(repository);
  name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

std::string describe(const Repository& repository, const std::string& path) {
  return concat("File '", path, "' of ", named(repository));
}

std::string download_arguments(const Repository& repository) {
  return concat(repository.id, is_dataset(repository) ? " --repo-type dataset" : "", " --revision ",
                repository.revision);
}

}  // namespace dtbench
