#include "data/store.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "base/atomic_file.h"
#include "data/byte_level_bpe.h"
#include "data/store_check.h"
#include "data/store_files.h"
#include "data/store_summary.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

fs::path configs() {
  const char* source = std::getenv("DTBENCH_SOURCE");
  if (source == nullptr) throw std::runtime_error("set DTBENCH_SOURCE to the source folder");
  return fs::path(source) / "configs";
}

std::vector<std::uint16_t> encode(const std::string& text) {
  const fs::path folder = configs() / "tokenizers/synthetic";
  static const ByteLevelBpe bpe(folder / "vocab.json", folder / "merges.txt");
  std::vector<std::uint16_t> ids;
  BpeEncoder(bpe).encode(text, ids);
  return ids;
}

template <typename T>
std::vector<T> list(std::span<const T> items) {
  return {items.begin(), items.end()};
}

constexpr const char* kActs =
    "{\"text\": \"milk prices\", \"labels\": [\"20\", \"3\", \"3\"], \"split\": \"train\"}\n"
    "{\"text\": \"butter\", \"labels\": [\"3\"], \"split\": \"train\"}\n"
    "{\"text\": \"\", \"labels\": [\"3\"], \"split\": \"train\"}\n"
    "{\"text\": \"no labels\", \"labels\": [], \"split\": \"train\"}\n"
    "{\"text\": \"fish, fish\", \"labels\": [\"100\", \"20\"], \"split\": \"dev\"}\n"
    "{\"text\": \"milk\", \"labels\": [\"3\"], \"split\": \"validation\"}\n"
    "{\"text\": \"unused\", \"labels\": [\"7\", \"100\"], \"split\": \"test\"}\n";

class StoreTest : public testing::Test {
 protected:
  RunSpec spec_of(Registered<Task> objective, const std::string& content = kActs) {
    RunSpec spec;
    spec.objective = objective;
    spec.data.source = folder_.write("acts.jsonl", content);
    spec.data.length = 4;
    return spec;
  }
  fs::path prepare(const RunSpec& spec) { return prepare_store(spec, cache_, configs()); }

  TemporaryFolder folder_;
  fs::path cache_ = folder_.path() / "cache";
};

// The shipped tokenizer's special tokens (configs/tokenizers/synthetic/vocab.json).
constexpr std::uint16_t kBegin = 0, kPad = 1, kEnd = 2, kUnknown = 3, kEndOfText = 2046,
                        kMask = 2047;

TEST_F(StoreTest, Gpt2LanguageModelStoresAreOneStreamWithEndsOfText) {
  const TokenStore store(prepare(spec_of(causal_lm())));
  EXPECT_EQ(store.meta().name, "acts.jsonl");
  EXPECT_FALSE(store.meta().synthetic);
  EXPECT_EQ(store.meta().vocab_size, 2048);
  EXPECT_EQ(store.meta().token_scheme, "gpt2");
  EXPECT_EQ(store.meta().pad_token_id, kEndOfText);
  EXPECT_EQ(store.meta().mask_token_id, std::nullopt);
  EXPECT_EQ(store.meta().special_token_ids, std::vector<std::int64_t>{kEndOfText});
  EXPECT_TRUE(store.meta().labels.empty());
  std::vector<std::uint16_t> stream;
  for (const char* text : {"milk prices", "butter", "no labels"}) {
    const auto ids = encode(text);
    stream.insert(stream.end(), ids.begin(), ids.end());
    stream.push_back(kEndOfText);
  }
  EXPECT_EQ(list(store.tokens(Split::kTrain)), stream);
  ASSERT_EQ(store.documents(Split::kTrain), 3);
  ASSERT_EQ(store.documents(Split::kValidation), 2);
  auto butter = encode("butter");
  butter.push_back(kEndOfText);
  EXPECT_EQ(list(store.document(Split::kTrain, 1)), butter);
  EXPECT_TRUE(store.labels(Split::kTrain, 0).empty());
  EXPECT_EQ(store.meta().counts["train"]["dropped_empty"], 1);
  EXPECT_EQ(store.meta().counts["train"]["tokens"], stream.size());
  EXPECT_EQ(store.meta().counts["unused_test_documents"], 1);
  EXPECT_GT(store.meta().unigram_loss, 0);
}

TEST_F(StoreTest, RobertaLanguageModelStoresFrameEachDocument) {
  RunSpec spec = spec_of(masked_lm());
  spec.model.architecture = roberta_family();
  const TokenStore store(prepare(spec));
  EXPECT_EQ(store.meta().token_scheme, "roberta");
  EXPECT_EQ(store.meta().pad_token_id, kPad);
  EXPECT_EQ(store.meta().mask_token_id, std::optional<std::int64_t>(kMask));
  EXPECT_EQ(store.meta().special_token_ids,
            (std::vector<std::int64_t>{kBegin, kPad, kEnd, kUnknown, kMask}));
  std::vector<std::uint16_t> stream;
  for (const char* text : {"milk prices", "butter", "no labels"}) {
    const auto ids = encode(text);
    stream.push_back(kBegin);
    stream.insert(stream.end(), ids.begin(), ids.end());
    stream.push_back(kEnd);
  }
  EXPECT_EQ(list(store.tokens(Split::kTrain)), stream);

  // Special tokens are never predicted, so the unigram loss is that of the others.
  std::vector<double> counts(2048, 0.5);
  double sum = 2048 * 0.5, loss = 0, targets = 0;
  const auto is_text = [](std::uint16_t id) { return id > kUnknown && id < kMask; };
  for (const std::uint16_t id : store.tokens(Split::kTrain)) {
    counts[id] += is_text(id);
    sum += is_text(id);
  }
  for (const std::uint16_t id : store.tokens(Split::kValidation)) {
    if (!is_text(id)) continue;
    loss -= std::log(counts[id] / sum);
    ++targets;
  }
  EXPECT_NEAR(store.meta().unigram_loss, loss / targets, 1e-12);
}

TEST_F(StoreTest, RobertaClassificationKeepsItsEndsWhenItCuts) {
  RunSpec spec = spec_of(multi_label());
  spec.model.architecture = roberta_family();
  const TokenStore store(prepare(spec));
  const auto text = encode("milk prices");
  ASSERT_GT(text.size(), 2u);
  EXPECT_EQ(list(store.document(Split::kTrain, 0)),
            (std::vector<std::uint16_t>{kBegin, text[0], text[1], kEnd}));
  EXPECT_EQ(store.meta().counts["validation"]["truncated"], 2);

  const std::size_t whole = encode("butter").size();
  spec.data.length = static_cast<std::int64_t>(whole) + 2;
  const TokenStore longer(prepare(spec));
  auto butter = encode("butter");
  butter.insert(butter.begin(), kBegin);
  butter.push_back(kEnd);
  EXPECT_EQ(list(longer.document(Split::kTrain, 1)), butter);
}

TEST_F(StoreTest, VocabulariesWithoutTheSchemesTokensAreRefused) {
  Json vocab = read_json_file(configs() / "tokenizers/synthetic/vocab.json");
  const auto rename = [&](const std::string& from, const std::string& to) {
    Json renamed = vocab;
    renamed[to] = renamed[from];
    renamed.erase(from);
    return folder_.write("vocab.json", renamed.dump());
  };
  RunSpec spec = spec_of(masked_lm());
  spec.model.architecture = roberta_family();
  spec.data.merges = configs() / "tokenizers/synthetic/merges.txt";
  spec.data.vocab = rename("<mask>", "<gap>");
  expect_error([&] { prepare(spec); }, ExitCode::kUsage,
               {"vocab.json", "found no <mask>", "RoBERTa's vocab.json"});
  spec = spec_of(causal_lm());
  spec.data.merges = configs() / "tokenizers/synthetic/merges.txt";
  spec.data.vocab = rename("<|endoftext|>", "<gap>");
  expect_error([&] { prepare(spec); }, ExitCode::kUsage,
               {"vocab.json", "found no <|endoftext|>", "GPT-2's vocab.json"});
}

TEST_F(StoreTest, ClassificationStoresHaveTheContractsLabels) {
  const TokenStore store(prepare(spec_of(multi_label())));
  const StoreMeta& meta = store.meta();
  // Training frequencies: 3 twice, 20 once, 7 and 100 never; ties by number.
  EXPECT_EQ(meta.labels, (std::vector<std::string>{"3", "20", "7", "100"}));
  ASSERT_EQ(store.documents(Split::kTrain), 2);
  ASSERT_EQ(store.documents(Split::kValidation), 2);
  using Indices = std::vector<std::int32_t>;
  EXPECT_EQ(list(store.labels(Split::kTrain, 0)), (Indices{0, 1}));
  EXPECT_EQ(list(store.labels(Split::kTrain, 1)), (Indices{0}));
  EXPECT_EQ(list(store.labels(Split::kValidation, 0)), (Indices{1, 3}));
  auto first = encode("milk prices");
  ASSERT_GT(first.size(), 4u);
  first.resize(4);
  EXPECT_EQ(list(store.document(Split::kTrain, 0)), first);

  EXPECT_EQ(meta.counts["train"]["dropped_empty"], 1);
  EXPECT_EQ(meta.counts["train"]["dropped_unlabelled"], 1);
  EXPECT_EQ(meta.counts["labels"], (Json{{"total", 4},
                                         {"absent_from_training", 2},
                                         {"absent_from_validation", 1},
                                         {"in_validation_but_not_training", 1},
                                         {"repetitions_removed", 1},
                                         {"unscored_removed", 0}}));

  // Targets: label 0 twice in training; labels 1 and 0 in validation. Four outcomes.
  EXPECT_DOUBLE_EQ(meta.single_label_prior_loss, -(std::log(0.5 / 4) + std::log(2.5 / 4)) / 2);
  EXPECT_DOUBLE_EQ(meta.single_label_majority_accuracy, 0.5);
  // p = (2.5, 1.5, 0.5, 0.5) / 3; labels 0, 1 and 3 are in one of the two validation documents
  // each.
  const auto half = [](double p) { return std::log(p) + std::log(1 - p); };
  EXPECT_NEAR(meta.multi_label_prior_loss,
              -(half(2.5 / 3) + half(0.5) + 2 * std::log(2.5 / 3) + half(0.5 / 3)) / 8, 1e-14);
}

TEST_F(StoreTest, GeneratedCorpusKeepsAllItsLabels) {
  RunSpec spec;
  spec.objective = multi_label();
  spec.data.length = 64;
  spec.data.synthetic_documents = 100;
  spec.data.synthetic_labels = 500;
  const TokenStore store(prepare(spec));
  EXPECT_TRUE(store.meta().synthetic);
  EXPECT_EQ(store.meta().labels.size(), 500u);
  EXPECT_GT(store.meta().counts["labels"]["absent_from_training"], 0);
  EXPECT_EQ(store.documents(Split::kTrain), 90);
  for (std::int64_t d = 0; d < 90; ++d)
    EXPECT_EQ(store.document(Split::kTrain, d).size(), 64u);
  spec.data.length = 512;
  const TokenStore longer(prepare(spec));
  for (std::int64_t d = 0; d < 10; ++d)
    EXPECT_GT(longer.document(Split::kValidation, d).size(), 384u);
}

TEST_F(StoreTest, FingerprintFollowsWhatDecidesTheContent) {
  RunSpec spec = spec_of(causal_lm());
  const fs::path language = prepare(spec);
  spec.seed = 5;
  spec.data.length = 9;
  spec.data.label_field = "other";
  fs::copy(spec.data.source, folder_.path() / "copy.jsonl");
  spec.data.source = folder_.path() / "copy.jsonl";
  EXPECT_EQ(prepare(spec), language);

  spec = spec_of(multi_label());
  const fs::path classification = prepare(spec);
  RunSpec single = spec;
  single.objective = single_label();
  EXPECT_EQ(prepare(single), classification);
  std::set<fs::path> stores{language, classification};
  RunSpec roberta = spec;
  roberta.model.architecture = roberta_family();
  EXPECT_TRUE(stores.insert(prepare(roberta)).second);
  spec.data.length = 5;
  EXPECT_TRUE(stores.insert(prepare(spec)).second);
  spec = spec_of(multi_label(), std::string(kActs) + kActs);
  EXPECT_TRUE(stores.insert(prepare(spec)).second);
  spec.data.text_field = "split";
  EXPECT_TRUE(stores.insert(prepare(spec)).second);
  const TokenStore store(language);
  EXPECT_EQ(store.meta().fingerprint, language.filename());
}

TEST_F(StoreTest, MissingTruncatedAndForeignFilesAreNamed) {
  const fs::path good = prepare(spec_of(multi_label()));
  const fs::path bad = folder_.path() / "bad";
  const auto expect_refused = [&](const std::string& file, const auto& damage,
                                  std::vector<std::string> parts) {
    fs::remove_all(bad);
    fs::copy(good, bad);
    damage(bad / file);
    parts.push_back((bad / file).string());
    expect_error([&] { TokenStore store(bad); }, ExitCode::kUsage, parts);
  };
  const auto remove = [](const fs::path& path) { fs::remove(path); };
  const auto shorten = [](const fs::path& path) { fs::resize_file(path, fs::file_size(path) - 1); };
  for (const char* split : {"train", "validation"}) {
    for (const char* kind : {".tokens", ".offsets", ".label_offsets", ".labels"}) {
      const std::string file = std::string(split) + kind;
      expect_refused(file, remove, {"missing"});
      expect_refused(file, shorten, {"bytes", "expected"});
    }
  }
  expect_refused("meta.json", remove, {"not a tokenized store"});
  const auto overwrite = [](const std::string& bytes) {
    return [bytes](const fs::path& path) {
      std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << bytes;
    };
  };
  expect_refused("train.offsets", overwrite(std::string(8, '\1')), {"ascending from 0"});
  expect_refused("train.labels", overwrite(std::string("\x04\0\0\0", 4)), {"below 4", "found 4"});
  expect_refused("meta.json", [](const fs::path& path) { fs::resize_file(path, 100); }, {"JSON"});

  const auto edited = [&](const std::string& field, const Json& value) {
    fs::remove_all(bad);
    fs::copy(good, bad);
    Json meta = read_json_file(meta_file(bad));
    if (value.is_null())
      meta.erase(field);
    else
      meta[field] = value;
    std::ofstream(meta_file(bad)) << meta;
    return [&] { TokenStore store(bad); };
  };
  expect_error(edited("store_version", 99), ExitCode::kUsage, {"store_version", "99"});
  expect_error(edited("vocab_size", nullptr), ExitCode::kUsage, {"vocab_size"});
  expect_error(edited("mask_token_id", "none"), ExitCode::kUsage, {"meta.json"});
  expect_error(edited("counts", Json::object()), ExitCode::kUsage, {"counts"});
  expect_error(edited("store_version", 3e300), ExitCode::kUsage, {"whole number"});
  expect_error(edited("vocab_size", 1e300), ExitCode::kUsage, {"whole number"});
  for (const Json& ids : {Json{1.5}, Json{"1"}, Json{1e300}})
    expect_error(edited("special_token_ids", ids), ExitCode::kUsage, {"whole number"});
}

// In the fuzzers' corpora, too. As bytes modulo 2^64 each of these counts fits the file beside it,
// so that a document would begin or end outside of its mapping.
TEST_F(StoreTest, CountsThatWrapAreRefused) {
  const fs::path good = prepare(spec_of(multi_label()));
  const fs::path bad = folder_.path() / "bad";
  const auto expect_refused = [&](const char* what, const Json& count, const std::string& file,
                                  const std::string& bytes, const std::string& part) {
    fs::remove_all(bad);
    fs::copy(good, bad);
    Json meta = read_json_file(meta_file(bad));
    meta["counts"]["train"][what] = count;
    std::ofstream(meta_file(bad)) << meta;
    std::ofstream(bad / file, std::ios::binary) << bytes;
    expect_error([&] { TokenStore store(bad); }, ExitCode::kUsage, {part});
  };
  expect_refused("tokens", std::uint64_t{1} << 63, "train.tokens", "", "whole number");
  expect_refused("tokens", std::int64_t{1} << 62, "train.tokens", "",
                 "expected 4611686018427387904");
  expect_refused("labels", std::int64_t{1} << 62, "train.labels", "",
                 "expected 4611686018427387904");
  expect_refused("documents", -1, "train.offsets", "", "a count");
  expect_refused("documents", (std::int64_t{1} << 61) - 1, "train.offsets", "",
                 "expected 2305843009213693952");
  expect_refused("documents", 1e300, "train.offsets", "", "whole number");
}

TEST_F(StoreTest, ChecksReadNothingOutsideOfTheStore) {
  const fs::path store = prepare(spec_of(multi_label()));
  const Json good = read_json_file(meta_file(store));
  const auto fault_with = [&](const std::string& field, const Json& value) {
    Json meta = good;
    meta[field] = value;
    if (field != "checksum") meta["checksum"] = meta_checksum(meta);
    std::ofstream(meta_file(store)) << meta;
    return find_fault(store).value_or("");
  };
  EXPECT_EQ(fault_with("files", good.at("files")), "");
  const auto holds = [](const std::string& fault, const char* part) {
    return fault.find(part) != std::string::npos;
  };
  for (const std::string name : {"../../acts.jsonl", "/dev/null", "..", "", "nowhere"})
    EXPECT_TRUE(holds(fault_with("files", {{name, "0"}}), "no file of a store")) << name;
  EXPECT_TRUE(holds(fault_with("files", {{std::string(300, 'x'), "0"}}), "no file of a store"));
  EXPECT_TRUE(holds(fault_with("checksum", 3), "its checksum is none"));
}

TEST_F(StoreTest, VocabulariesThatAreNoneAreNamed) {
  const fs::path store = prepare(spec_of(multi_label()));
  std::ofstream(vocabulary_file(store)) << "[1, 2]";
  expect_error([&] { store_details(store); }, ExitCode::kUsage, {"vocabulary.json", "tokens"});
}

TEST_F(StoreTest, DamagedStoresAreRebuiltAndStaleTemporariesRemoved) {
  const RunSpec spec = spec_of(causal_lm());
  const fs::path store = prepare(spec);
  const auto before = list(TokenStore(store).tokens(Split::kTrain));
  fs::resize_file(tokens_file(store, Split::kTrain), 2);
  const fs::path stale = temporary_beside(store);
  fs::create_directories(stale / "deep");
  EXPECT_EQ(prepare(spec), store);
  EXPECT_EQ(list(TokenStore(store).tokens(Split::kTrain)), before);
  EXPECT_FALSE(fs::exists(stale));
}

// It may be whole: nobody moves it aside, and nobody prepares for hours again.
TEST_F(StoreTest, AStoreThatCannotBeReadIsNotDamaged) {
  const RunSpec spec = spec_of(causal_lm());
  const fs::path store = prepare(spec), vocabulary = vocabulary_file(store);
  fs::rename(vocabulary, store / "kept");
  fs::create_symlink("/proc/self/mem", vocabulary);  // reading it fails with EIO
  expect_error([&] { prepare(spec); }, ExitCode::kRetryable, {"vocabulary.json", "Cannot read"});
  fs::rename(store / "kept", vocabulary);
  EXPECT_EQ(prepare(spec), store);
  EXPECT_EQ(std::distance(fs::directory_iterator(store.parent_path()), {}), 2);  // and its lock
}

TEST_F(StoreTest, BadInputIsNamedAndLeavesNothing) {
  const auto refuse = [&](const RunSpec& spec, const std::vector<std::string>& parts) {
    expect_error([&] { prepare(spec); }, ExitCode::kUsage, parts);
  };
  RunSpec spec = spec_of(causal_lm());
  spec.data.vocab = "vocab.json";
  refuse(spec, {"data.vocab", "data.merges", "together"});
  spec.data.merges = "no-such-merges.txt";
  refuse(spec, {"data.vocab", "'vocab.json'"});
  spec = spec_of(causal_lm());
  spec.data.source = "no-such.jsonl";
  refuse(spec, {"data.source", "no-such.jsonl"});
  refuse(spec_of(causal_lm(), "{\"text\": \"a\"}\n"), {"validation split", "20th"});
  refuse(spec_of(multi_label(), "{\"text\": \"a\", \"labels\": [], \"split\": \"train\"}\n"),
         {"training split", "1 without labels"});
  refuse(spec_of(causal_lm(), "{\"text\": \"a\"\n"), {"line 1"});
  // No store and no temporary: locks alone stay.
  for (const auto& entry : fs::directory_iterator(cache_ / "stores"))
    EXPECT_EQ(entry.path().extension(), ".lock") << entry.path();
  cache_ = folder_.write("file", "");
  expect_error([&] { prepare(spec_of(causal_lm())); }, ExitCode::kUsage, {cache_.string()});
}

}  // namespace
}  // namespace dtbench
