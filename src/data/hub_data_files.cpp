#include "data/hub_data_files.h"

#include <set>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/hub_files.h"
#include "data/jsonl_source.h"
#include "data/local_file.h"
#include "data/parquet.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

std::string address_of(const HubAddress& address) {
  return concat("hf://", address.dataset ? "datasets/" : "", address.id, "@", address.revision,
                address.path.empty() ? "" : "/", address.path);
}

// The folder that a data set's splits are in: what comes before the component that names a split.
std::string data_set_folder(const fs::path& path) {
  fs::path before, folder = path.parent_path();
  for (const fs::path& component : path) {
    if (split_of_path(component)) {
      folder = std::move(before);
      break;
    }
    before /= component;
  }
  return folder.generic_string();
}

// The part of a path that its address does not name, which tells splits, as in a local folder.
fs::path below(const HubAddress& address, const fs::path& path) {
  return address.path.empty() ? path : path.lexically_relative(address.path);
}

// Files of several data sets would make one that nobody published.
void require_one_data_set(const HubAddress& address, const std::vector<HubListedFile>& files) {
  std::set<std::string> folders;
  for (const HubListedFile& file : files)
    folders.insert(data_set_folder(file.path));
  if (folders.size() <= 1) return;
  HubAddress one = address;
  one.path = *folders.rbegin();
  throw usage_error(concat("'", address_of(address), "' holds ", folders.size(),
                           " data sets: ", join({folders.begin(), folders.end()}, ", "), "."),
                    concat("Choose one by its folder, for example --data ", address_of(one), "."));
}

Error no_such_folder(const HubAddress& address) {
  HubAddress repository = address;
  repository.path.clear();
  std::set<std::string> folders;
  for (const HubListedFile& file : hub_files().list(repository))
    if (is_data_file(file.path))
      for (fs::path up = fs::path(file.path).parent_path(); !up.empty(); up = up.parent_path())
        folders.insert(up.generic_string());
  return usage_error(concat("data.source: there is no folder or file '", address.path, "' in '",
                            address_of(repository), "'."),
                     folders.empty() ? "It has no folders with data files: leave the folder out."
                                     : suggestion(address.path, {folders.begin(), folders.end()}));
}

std::vector<HubListedFile> listed(const HubAddress& address) {
  std::vector<HubListedFile> files = hub_files().list(address);
  const std::size_t all = files.size();
  if (all == 0 && !address.path.empty()) throw no_such_folder(address);
  std::erase_if(files, [](const HubListedFile& file) { return !is_data_file(file.path); });
  if (files.empty())
    throw usage_error(concat("data.source: expected ", kDataFileKinds, " or a folder of them at '",
                             address_of(address), "', found ", all, " files, none of these."),
                      "Check the folder on the data set's page; '@~parquet' after its name chooses "
                      "the Hub's copy as Parquet.");
  require_one_data_set(address, files);
  return files;
}

// Of few rows only these are fetched; a file that is wanted whole is fetched once and verified.
std::unique_ptr<ByteSource> parquet_bytes(const HubAddress& file, bool whole) {
  if (!whole) return hub_files().open(file);
  return std::make_unique<LocalFile>(hub_files().fetch(file));
}

std::unique_ptr<DocumentSource> open(const HubAddress& file, bool whole,
                                     const SourceFields& fields) {
  if (is_parquet(file.path))
    return open_parquet(address_of(file), parquet_bytes(file, whole), fields);
  return std::make_unique<JsonlSource>(hub_files().fetch(file), fields);
}

}  // namespace

std::vector<DataFile> hub_data_files(const HubAddress& address, const SourceLimits& limits) {
  const bool whole = limits.examples == 0 && limits.bytes == 0;
  std::vector<DataFile> files;
  for (const HubListedFile& listing : listed(address)) {
    HubAddress file = address;
    file.path = listing.path;
    const auto sha256 = [file, known = listing.sha256]() mutable {
      if (known.empty()) known = sha256_file(hub_files().fetch(file));
      return known;
    };
    files.push_back(
        {address_of(file), split_of_path(below(address, listing.path)), sha256,
         [file, whole](const SourceFields& fields) { return open(file, whole, fields); }});
  }
  settle_splits(files);
  return files;
}

}  // namespace dtbench
