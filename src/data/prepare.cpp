// prepare_store (data/store.h): names a store by its content, and has it built once by whoever
// comes first.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/hub_address.h"
#include "data/byte_level_bpe.h"
#include "data/data_files.h"
#include "data/hub_files.h"
#include "data/store.h"
#include "data/store_builder.h"
#include "data/store_check.h"
#include "data/store_files.h"
#include "data/synthetic_corpus.h"
#include "data/token_scheme.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

TokenizerFiles tokenizer_files(const DataSpec& data, const fs::path& configs) {
  if (data.vocab.empty() != data.merges.empty())
    throw usage_error(concat("data.vocab and data.merges belong together: got vocab '", data.vocab,
                             "' and merges '", data.merges, "'."),
                      "Set both, or neither for the shipped tokenizer of the generated corpus.");
  if (is_hub_address(data.tokenizer))
    return {"", "", hub_files().fetch(parse_hub_address(data.tokenizer, "data.tokenizer"))};
  if (!data.tokenizer.empty()) return {"", "", data.tokenizer};
  if (!data.vocab.empty()) return {data.vocab, data.merges, ""};
  const fs::path shipped = configs / "tokenizers" / "synthetic";
  return {shipped / "vocab.json", shipped / "merges.txt", ""};
}

bool is_synthetic(const DataSpec& data) {
  return data.source == "synthetic";
}

SourceFields fields_of(const RunSpec& spec) {
  const DataSpec& data = spec.data;
  return {data.text_field, data.label_field, data.split_field, !is_language_model(spec.objective),
          label_form_named(data.label_form)};
}

SourceLimits limits_of(const DataSpec& data) {
  return {data.examples, data.bytes};
}

Json source_key(const RunSpec& spec, const std::vector<DataFile>& files) {
  const DataSpec& data = spec.data;
  if (is_synthetic(data))
    return {{"synthetic_version", kSyntheticCorpusVersion},
            {"documents", data.synthetic_documents},
            {"labels", data.synthetic_labels}};
  Json content = Json::array();
  for (const DataFile& file : files)
    content.push_back({file.sha256(), file.split ? Json(to_string(*file.split)) : Json()});
  const SourceFields fields = fields_of(spec);
  Json key = {{"files", content},
              {"text_field", fields.text},
              {"label_field", fields.with_labels ? Json(fields.labels) : Json()},
              {"split_field", fields.split},
              {"examples", data.examples},
              {"bytes", data.bytes}};
  // Where it is set: stores of data that needs none keep their fingerprints.
  if (fields.with_labels && !data.label_form.empty()) key["label_form"] = data.label_form;
  // An earlier version divided quoted names, too.
  if (fields.label_form == LabelForm::kTextList) key["quotes"] = true;
  return key;
}

// Everything that decides a store's content, and nothing else.
Json store_key(const RunSpec& spec, const std::vector<DataFile>& files,
               const TokenizerFiles& tokenizer) {
  const bool language_model = is_language_model(spec.objective);
  Json key = {{"store_version", kStoreVersion},
              {"source", source_key(spec, files)},
              {"tokenizer", tokenizer_fingerprint(tokenizer)},
              {"token_scheme", to_string(spec.model.architecture)},
              {"view", language_model ? "language_model" : "classification"}};
  if (!language_model) key["max_tokens"] = spec.data.length;
  return key;
}

std::unique_ptr<DocumentSource> open_source(const RunSpec& spec,
                                            const std::vector<DataFile>& files) {
  const DataSpec& data = spec.data;
  if (is_synthetic(data))
    return std::make_unique<SyntheticSource>(data.synthetic_documents, data.synthetic_labels);
  return open_data_files(files, fields_of(spec), limits_of(data));
}

// A folder beside `target` that becomes it by one rename, or goes away.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const fs::path& target) : path_(temporary_beside(target)) {
    // Made anew, so that nothing in it is of another's making.
    if (mkdir(path_.c_str(), 0777) != 0) throw system_error("Cannot create", path_.string());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const fs::path& path() const { return path_; }

  // A store that another process put there first is as good.
  void rename_to(const fs::path& target) {
    sync_directory(path_);
    if (rename(path_.c_str(), target.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST)
      throw system_error("Cannot rename a temporary folder to", target.string());
    sync_directory(target.parent_path());
  }

 private:
  fs::path path_;
};

fs::path lock_of(const fs::path& store) {
  return store.string() + ".lock";
}

// What killed preparers left, of this store, whose lock is held, and of others whose lock is free:
// nobody writes there.
void remove_stale_temporaries(const fs::path& target) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(target.parent_path()))
    if (is_temporary_name(entry.path().filename().string())) leftovers.push_back(entry.path());
  for (const fs::path& leftover : leftovers) {
    const fs::path store = target_of_temporary(leftover);
    const std::unique_ptr<FileLock> nobody_writes =
        store == target ? nullptr : FileLock::if_free(lock_of(store));
    if (store == target || nobody_writes) fs::remove_all(leftover, ignored);
  }
}

// Whether the store is there, every bit as it was written. One that is damaged is not, and is moved
// aside when `repair`.
bool is_prepared(const fs::path& store, bool repair) {
  if (!fs::exists(store)) return false;
  const std::optional<std::string> fault = find_fault(store);
  if (fault && repair)
    log_warning(concat("preparing a damaged store again; the old one is now '",
                       quarantine(store).string(), "'. ", *fault));
  return !fault;
}

// The source's own name, whether or not a folder's ends in a slash.
std::string name_of(const DataSpec& data) {
  if (is_synthetic(data)) return "synthetic";
  if (is_hub_address(data.source)) {
    const HubAddress address = parse_hub_address(data.source, "data.source");
    return concat(address.id, address.path.empty() ? "" : "/", address.path);
  }
  const fs::path path = fs::path(data.source).lexically_normal();
  return repair_utf8((path.has_filename() ? path : path.parent_path()).filename().string());
}

// Before hours of tokenizing: what would fail after them, and what is done otherwise than the
// tokenizer says.
void check_padding(const ModelFamily& family, const TokenScheme& scheme,
                   const std::optional<TokenizerJson>& tokenizer) {
  if (family.padding_id && scheme.pad != *family.padding_id)
    throw usage_error(concat("The tokenizer's <pad> has the id ", scheme.pad, ", ", family.title,
                             "'s has ", *family.padding_id, "."),
                      concat("Use ", family.title, "'s tokenizer, or give <pad> that id."));
  if (tokenizer && tokenizer->padding_id.is_number() && tokenizer->padding_id != scheme.pad)
    log_warning(concat("'", tokenizer->path.string(), "' pads with ",
                       shortened(json_text(tokenizer->padding_token), 60), ", id ",
                       json_text(tokenizer->padding_id), "; here the id is ", scheme.pad,
                       ", as for every ", scheme.name, " (docs/data.md)"));
}

void write_store(const RunSpec& spec, const std::vector<DataFile>& files,
                 const TokenizerFiles& tokenizer, const std::string& fingerprint,
                 const fs::path& store) {
  const std::optional<TokenizerJson> whole =
      tokenizer.tokenizer_json.empty()
          ? std::nullopt
          : std::optional(read_tokenizer_json(tokenizer.tokenizer_json));
  const ByteLevelBpe bpe =
      whole ? ByteLevelBpe(*whole) : ByteLevelBpe(tokenizer.vocab, tokenizer.merges);
  const fs::path& vocabulary =
      tokenizer.tokenizer_json.empty() ? tokenizer.vocab : tokenizer.tokenizer_json;
  const StoreContent content{is_language_model(spec.objective), spec.data.length,
                             token_scheme(spec.model.architecture, bpe, vocabulary.string())};
  check_padding(spec.model.architecture, content.scheme, whole);
  StoreMeta meta;
  meta.synthetic = is_synthetic(spec.data);
  meta.name = name_of(spec.data);
  meta.fingerprint = fingerprint;
  const std::unique_ptr<DocumentSource> source = open_source(spec, files);
  TemporaryDirectory temporary(store);
  build_store(*source, bpe, content, meta, temporary.path());
  temporary.rename_to(store);
}

void repeat_notes(const fs::path& store) {
  const StoreMeta meta = store_meta_from_json(read_json_file(meta_file(store)), store.string());
  for (const std::string& note : meta.notes)
    log_info(note);
}

// The splits of several files, and copies among them.
void tell_files(const std::vector<DataFile>& files) {
  log_info(describe_splits(files));
  std::map<std::string, std::string> first;  // by content
  for (const DataFile& file : files) {
    const auto [same, is_new] = first.emplace(file.sha256(), file.name);
    if (!is_new)
      log_warning(concat("'", same->second, "' and '", file.name,
                         "' are the same file: their documents count twice"));
    if (!file.name.ends_with(".gz")) continue;
    const std::string plain = file.name.substr(0, file.name.size() - 3);
    if (std::any_of(files.begin(), files.end(),
                    [&](const DataFile& other) { return other.name == plain; }))
      log_warning(concat("'", plain, "' and '", file.name, "' seem to be the same file, once ",
                         "compressed: their documents count twice"));
  }
}

}  // namespace

std::filesystem::path prepare_store(const RunSpec& spec, const fs::path& cache,
                                    const fs::path& configs) {
  const TokenizerFiles tokenizer = tokenizer_files(spec.data, configs);
  require_files(tokenizer);
  std::vector<DataFile> files;
  if (!is_synthetic(spec.data)) files = data_files(spec.data.source, limits_of(spec.data));
  const std::string fingerprint = sha256_hex(canonical_json(store_key(spec, files, tokenizer)));
  const fs::path store = cache / "stores" / fingerprint;
  if (files.size() > 1) tell_files(files);
  if (is_prepared(store, false)) {
    repeat_notes(store);
    return store;
  }

  make_directories(store.parent_path());
  // Where the file system has no locks, concurrent preparers each do the work.
  const FileLock lock(lock_of(store), concat("waiting for another process that is preparing ",
                                             spec.data.source, " ..."));
  if (is_prepared(store, lock.held())) return store;
  if (lock.held()) remove_stale_temporaries(store);
  write_store(spec, files, tokenizer, fingerprint, store);
  return store;
}

}  // namespace dtbench
