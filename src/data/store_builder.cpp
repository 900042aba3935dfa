#include "data/store_builder.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/progress_line.h"
#include "base/text.h"
#include "data/baselines.h"
#include "data/label_indices.h"
#include "data/split_writer.h"
#include "data/store_files.h"

namespace dtbench {
namespace {

constexpr std::size_t kBatchDocuments = 512;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

struct Batch {
  std::vector<SourceDocument> documents;
  std::vector<std::vector<std::uint16_t>> tokens;
};

// Encodes the documents of a batch on all cores, each into its own place.
class ParallelEncoder {
 public:
  explicit ParallelEncoder(const ByteLevelBpe& bpe)
      : encoders_(std::max(1u, std::thread::hardware_concurrency()), BpeEncoder(bpe)) {}

  void encode(Batch& batch) {
    batch.tokens.assign(batch.documents.size(), {});
    std::atomic<std::size_t> next = 0;
    const auto work = [&](BpeEncoder& encoder) {
      for (std::size_t i = next++; i < batch.documents.size(); i = next++)
        encoder.encode(batch.documents[i].text, batch.tokens[i]);
    };
    std::vector<std::future<void>> helpers;
    for (std::size_t i = 1; i < encoders_.size(); ++i)
      helpers.push_back(std::async(std::launch::async, work, std::ref(encoders_[i])));
    work(encoders_[0]);
    for (std::future<void>& helper : helpers)
      helper.get();
  }

 private:
  std::vector<BpeEncoder> encoders_;
};

class StoreBuilder {
 public:
  StoreBuilder(DocumentSource& source, const ByteLevelBpe& bpe, const StoreContent& content,
               StoreMeta meta, const std::filesystem::path& directory)
      : source_(source),
        tokens_(bpe.tokens()),
        content_(content),
        meta_(std::move(meta)),
        directory_(directory),
        encoder_(bpe),
        train_(directory, Split::kTrain, bpe.vocab_size()),
        validation_(directory, Split::kValidation, bpe.vocab_size()) {
    meta_.vocab_size = bpe.vocab_size();
    const TokenScheme& scheme = content.scheme;
    meta_.token_scheme = scheme.name;
    meta_.pad_token_id = scheme.pad;
    meta_.mask_token_id = scheme.mask;
    meta_.special_token_ids.assign(scheme.special.begin(), scheme.special.end());
  }

  void build() {
    ProgressLine progress(concat("tokenizing ", meta_.name));
    for (const std::string& label : source_.label_list())
      tally_.intern(label);
    for (Batch batch = read_batch(); !batch.documents.empty(); batch = read_batch()) {
      encoder_.encode(batch);
      for (std::size_t i = 0; i < batch.documents.size(); ++i)
        add(batch.documents[i], batch.tokens[i]);
      progress.update(source_.progress());
    }
    for (const std::string& label : source_.label_list())  // those found while reading, too
      tally_.intern(label);
    tell_guesses();
    require_documents(train_, "training");
    require_documents(validation_, "validation");
    finish();
  }

 private:
  // The next documents to be stored; those of the test split and those to drop only leave counts.
  Batch read_batch() {
    Batch batch;
    std::size_t bytes = 0;
    SourceDocument document;
    while (batch.documents.size() < kBatchDocuments && bytes < kBatchBytes &&
           source_.next(document)) {
      if (!keep(document)) continue;
      bytes += document.text.size();
      batch.documents.push_back(std::move(document));
    }
    return batch;
  }

  bool keep(const SourceDocument& document) {
    // The label list is the whole data set's, so every document's labels enter it.
    if (!content_.language_model)
      for (const std::string& label : document.labels)
        tally_.intern(label);
    if (document.split == SourceSplit::kTest) {
      ++unused_test_documents_;
      return false;
    }
    SplitWriter& split = writer(document);
    if (document.text.empty()) {
      ++split.dropped_empty;
      return false;
    }
    if (!content_.language_model && document.labels.empty()) {
      ++split.dropped_unlabelled;
      return false;
    }
    return true;
  }

  void add(const SourceDocument& document, std::vector<std::uint16_t>& tokens) {
    SplitWriter& split = writer(document);
    if (content_.language_model) {
      content_.scheme.frame(tokens);
      split.add(tokens, {});
      return;
    }
    split.truncated += content_.scheme.frame_within(content_.max_tokens, tokens);
    const std::vector<std::int32_t> labels = tally_.intern_all(document.labels);
    if (document.split == SourceSplit::kTrain) tally_.count_training(labels);
    split.add(tokens, labels);
  }

  // Said now, and again whenever the store is used.
  void note(const std::string& line) {
    log_info(line);
    meta_.notes.push_back(line);
  }

  // What was decided without anybody having said so.
  void tell_guesses() {
    const SourceCounts counts = source_.counts();
    meta_.notes = counts.notes;  // which were said when they arose
    if (counts.undecided > 0 && !meta_.synthetic)
      note(concat("no field and no file's name tells the split of ", counts.undecided,
                  " documents: every 20th is validation"));
    if (counts.repaired_lines > 0)
      note(concat(counts.repaired_lines, " documents were no valid Unicode; what was not is ",
                  "U+FFFD now"));
    if (counts.unscored_labels > 0)
      note(concat(counts.unscored_labels, " labels of documents are left out, since the data ",
                  "set's benchmark does not score them (docs/data.md): ", tally_.ids().size(),
                  " labels remain"));
    for (const SplitWriter* split : {&train_, &validation_})
      if (split->dropped_empty + split->dropped_unlabelled > 0)
        note(concat(split == &train_ ? "training" : "validation", ": dropped ",
                    split->dropped_empty, " documents without text and ", split->dropped_unlabelled,
                    " without labels"));
  }

  SplitWriter& writer(const SourceDocument& document) {
    return document.split == SourceSplit::kTrain ? train_ : validation_;
  }

  void require_documents(const SplitWriter& split, const char* name) const {
    if (split.documents() > 0) return;
    throw usage_error(
        concat("The ", name, " split of '", meta_.name, "' is empty: expected documents with text",
               content_.language_model ? "" : " and labels",
               ", found none (dropped: ", split.dropped_empty, " without text, ",
               split.dropped_unlabelled, " without labels)."),
        "Check data.split_field, data.text_field and data.label_field. If neither a field nor a "
        "file name gives the split, every 20th document is validation, so at least 20 are needed "
        "(data.examples and data.bytes may leave fewer).");
  }

  void finish() {
    meta_.counts = Json::object();
    if (content_.language_model) {
      meta_.unigram_loss = prior_cross_entropy(target_counts(train_), target_counts(validation_));
    } else {
      finish_labels();
    }
    train_.finish(meta_.files);
    validation_.finish(meta_.files);
    write_vocabulary();
    meta_.counts["train"] = train_.counts();
    meta_.counts["validation"] = validation_.counts();
    meta_.counts["unused_test_documents"] = unused_test_documents_;
    meta_.counts["repaired_lines"] = source_.counts().repaired_lines;
    write_file_atomically(meta_file(directory_), to_json(meta_).dump(2) + "\n");
  }

  void write_vocabulary() {
    const std::filesystem::path path = vocabulary_file(directory_);
    const std::string text = Json(tokens_).dump() + "\n";
    OutputFile file(path);
    file.append(text.data(), text.size());
    meta_.files[path.filename().string()] = file.finish();
  }

  // Tokens that a language model may have to predict: a causal one all, a masked one no special.
  std::vector<std::int64_t> target_counts(const SplitWriter& split) const {
    std::vector<std::int64_t> counts = split.token_counts();
    if (content_.scheme.mask)
      for (const std::uint16_t token : content_.scheme.special)
        counts[token] = 0;
    return counts;
  }

  void finish_labels() {
    const LabelOrder view = number_labels(tally_.ids(), tally_.training_counts());
    meta_.labels = view.labels;
    train_.number_labels(view.index_of);
    validation_.number_labels(view.index_of);
    const auto& in_training = train_.label_counts();
    const auto& in_validation = validation_.label_counts();
    meta_.single_label_prior_loss =
        prior_cross_entropy(train_.target_counts(), validation_.target_counts());
    meta_.single_label_majority_accuracy =
        majority_accuracy(train_.target_counts(), validation_.target_counts());
    meta_.multi_label_prior_loss = multi_label_prior_loss(in_training, train_.documents(),
                                                          in_validation, validation_.documents());
    std::int64_t validation_only = 0;
    for (std::size_t i = 0; i < in_training.size(); ++i)
      validation_only += in_training[i] == 0 && in_validation[i] > 0;
    meta_.counts["labels"] = {
        {"total", in_training.size()},
        {"absent_from_training", std::count(in_training.begin(), in_training.end(), 0)},
        {"absent_from_validation", std::count(in_validation.begin(), in_validation.end(), 0)},
        {"in_validation_but_not_training", validation_only},
        {"repetitions_removed", tally_.repetitions()},
        {"unscored_removed", source_.counts().unscored_labels}};
  }

  DocumentSource& source_;
  const std::vector<std::string>& tokens_;  // the tokenizer's, by id
  StoreContent content_;
  StoreMeta meta_;
  std::filesystem::path directory_;
  ParallelEncoder encoder_;
  LabelTally tally_;
  SplitWriter train_, validation_;
  std::int64_t unused_test_documents_ = 0;
};

}  // namespace

void build_store(DocumentSource& source, const ByteLevelBpe& bpe, const StoreContent& content,
                 StoreMeta meta, const std::filesystem::path& directory) {
  StoreBuilder(source, bpe, content, std::move(meta), directory).build();
}

}  // namespace dtbench
