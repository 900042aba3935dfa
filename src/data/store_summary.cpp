#include "data/store_summary.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/table.h"
#include "data/byte_level.h"
#include "data/store.h"
#include "data/store_files.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTopLabels = 10;
constexpr std::int64_t kExamples = 3;
constexpr std::size_t kExampleCharacters = 240;

Json file_sizes(const fs::path& store) {
  Json sizes = Json::object();
  std::error_code error;  // a store that is listed need not be whole
  for (const fs::directory_entry& entry : fs::directory_iterator(store))
    if (entry.is_regular_file(error)) sizes[entry.path().filename().string()] = entry.file_size();
  return sizes;
}

std::int64_t age_seconds(const fs::path& store) {
  const auto age = fs::file_time_type::clock::now() - fs::last_write_time(store);
  return std::chrono::duration_cast<std::chrono::seconds>(age).count();
}

std::int64_t total(const StoreMeta& meta, const char* what) {
  std::int64_t sum = 0;
  for (const Split split : {Split::kTrain, Split::kValidation})
    sum += meta.counts.at(to_string(split)).at(what).get<std::int64_t>();
  return sum;
}

Json labels_a_document(const TokenStore& store, Split split) {
  std::size_t sum = 0, least = store.meta().labels.size(), most = 0;
  for (std::int64_t d = 0; d < store.documents(split); ++d) {
    const std::size_t count = store.labels(split, d).size();
    sum += count;
    least = std::min(least, count);
    most = std::max(most, count);
  }
  const double mean = static_cast<double>(sum) / static_cast<double>(store.documents(split));
  return {{"least", least}, {"mean", json_number(mean)}, {"most", most}};
}

// Labels are numbered by training frequency, so the first are the most frequent.
Json most_frequent_labels(const TokenStore& store) {
  std::vector<std::int64_t> counts(std::min(kTopLabels, store.meta().labels.size()));
  const std::int64_t documents = store.documents(Split::kTrain);
  for (std::int64_t d = 0; d < documents; ++d)
    for (const std::int32_t label : store.labels(Split::kTrain, d))
      if (static_cast<std::size_t>(label) < counts.size())
        ++counts[static_cast<std::size_t>(label)];
  Json top = Json::array();
  for (std::size_t i = 0; i < counts.size(); ++i)
    top.push_back({{"label", store.meta().labels[i]},
                   {"train_documents", counts[i]},
                   {"share", static_cast<double>(counts[i]) / static_cast<double>(documents)}});
  return top;
}

std::vector<std::string> read_vocabulary(const fs::path& folder) {
  const fs::path file = vocabulary_file(folder);
  try {
    return read_json_file(file).get<std::vector<std::string>>();
  } catch (const Json::exception& error) {
    throw usage_error(concat("Store file '", file.string(),
                             "': expected a list of tokens: ", json_fault(error), "."),
                      "Remove the folder and prepare the data again.");
  }
}

Json examples(const TokenStore& store, const fs::path& folder) {
  const Detokenizer detokenizer(read_vocabulary(folder));
  Json all = Json::array();
  for (std::int64_t d = 0; d < std::min(kExamples, store.documents(Split::kTrain)); ++d) {
    const auto tokens = store.document(Split::kTrain, d);
    Json labels = Json::array();
    for (const std::int32_t label : store.labels(Split::kTrain, d))
      labels.push_back(store.meta().labels[static_cast<std::size_t>(label)]);
    const auto beginning = tokens.first(std::min(tokens.size(), kExampleCharacters));
    all.push_back({{"document", d},
                   {"tokens", tokens.size()},
                   {"labels", labels},
                   {"text", cut(detokenizer.decode(beginning), kExampleCharacters)}});
  }
  return all;
}

Json constant_answers(const StoreMeta& meta) {
  if (meta.labels.empty()) return {{"unigram_loss", json_number(meta.unigram_loss)}};
  return {{"single_label_prior_loss", json_number(meta.single_label_prior_loss)},
          {"single_label_majority_accuracy", json_number(meta.single_label_majority_accuracy)},
          {"multi_label_prior_loss", json_number(meta.multi_label_prior_loss)}};
}

}  // namespace

Json store_summary(const fs::path& store, bool quarantined) {
  std::uintmax_t bytes = 0;
  const Json sizes = file_sizes(store);
  for (const Json& size : sizes)
    bytes += size.get<std::uintmax_t>();
  Json summary = {{"fingerprint", store.filename().string().substr(0, 64)},
                  {"path", store.string()},
                  {"state", quarantined ? "quarantined" : "whole"},
                  {"bytes", bytes},
                  {"age_s", age_seconds(store)}};
  for (const char* name :
       {"name", "synthetic", "token_scheme", "view", "documents", "tokens", "labels"})
    summary[name] = nullptr;
  if (quarantined) return summary;
  try {
    const TokenStore opened(store);
    const StoreMeta& meta = opened.meta();
    summary["name"] = meta.name;
    summary["synthetic"] = meta.synthetic;
    summary["token_scheme"] = meta.token_scheme;
    summary["view"] = meta.labels.empty() ? "language_model" : "classification";
    summary["documents"] = total(meta, "documents");
    summary["tokens"] = total(meta, "tokens");
    summary["labels"] = meta.labels.size();
  } catch (const Error&) {
    summary["state"] = "damaged";
  }
  return summary;
}

Json store_details(const fs::path& folder) {
  const TokenStore store(folder);
  Json details = store_summary(folder, false);
  details["files"] = file_sizes(folder);
  details["counts"] = store.meta().counts;
  details["constant_answers"] = constant_answers(store.meta());
  details["examples"] = examples(store, folder);
  if (!store.meta().labels.empty())
    details["label_statistics"] = {{"labels_a_document",
                                    {{"train", labels_a_document(store, Split::kTrain)},
                                     {"validation", labels_a_document(store, Split::kValidation)}}},
                                   {"most_frequent", most_frequent_labels(store)}};
  return details;
}

}  // namespace dtbench
