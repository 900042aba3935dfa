// Addresses of files and folders on the Hugging Face Hub, written as fsspec, DuckDB and polars
// write them:
//   hf://[datasets/]OWNER/NAME[@REVISION][/PATH]
// A revision is a branch, a tag or a commit, with slashes as %2F, and "main" unless said;
// "~parquet" is short for refs/convert/parquet, the copy as Parquet that the Hub makes of a data
// set.
#pragma once

#include <string>

namespace dtbench {

struct HubAddress {
  bool dataset = false;  // else a model
  std::string id;        // "openai-community/gpt2"
  std::string revision = "main";
  std::string path;  // "": all of the repository
};

bool is_hub_address(const std::string& text);

// Throws Error (usage) for what is none, naming `setting`.
HubAddress parse_hub_address(const std::string& text, const std::string& setting);

}  // namespace dtbench
