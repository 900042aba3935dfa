// Which repository of the Hub, at which revision.
#pragma once

#include <string>

namespace dtbench {

enum class RepositoryType { kModel, kDataset };

struct Repository {
  RepositoryType type = RepositoryType::kDataset;
  std::string id;                 // "openai-community/gpt2", or without an owner: "gpt2"
  std::string revision = "main";  // a branch, a tag, a commit or "refs/convert/parquet"
};

// Throws Error (usage) where id or revision can be none. What passes is safe in paths.
void check(const Repository& repository);
// The same for a file's path inside its repository.
void check_path(const Repository& repository, const std::string& path);

// 40 lower-case hexadecimal digits: a revision that never moves.
bool is_commit(const std::string& revision);

// "models--openai-community--gpt2": its folder in the cache.
std::string cache_folder_name(const Repository& repository);

// "{endpoint}/api/datasets/{id}".
std::string api_url(const std::string& endpoint, const Repository& repository);
// "{endpoint}/datasets/{id}/resolve/{revision}/{path}"; models have no first part.
std::string file_url(const std::string& endpoint, const Repository& repository,
                     const std::string& revision, const std::string& path);
// Its page, for people.
std::string page_url(const std::string& endpoint, const Repository& repository);

// For messages: "data set 'a/b' at revision 'main'"; "Data set ..." to begin one with; and with a
// file "File 'c' of data set ...".
std::string named(const Repository& repository);
std::string describe(const Repository& repository);
std::string describe(const Repository& repository, const std::string& path);

// The arguments of `hf download` (the Python client's program) that name it.
std::string download_arguments(const Repository& repository);

}  // namespace dtbench
