#include "data/jsonl_source.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "temporary_folder.h"

namespace dtbench {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string compressed(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

std::vector<SourceDocument> read_all(DocumentSource& source) {
  std::vector<SourceDocument> documents;
  for (SourceDocument document; source.next(document);)
    documents.push_back(document);
  return documents;
}

class JsonlSourceTest : public testing::Test {
 protected:
  std::vector<SourceDocument> read(const std::string& content, const SourceFields& fields = {}) {
    JsonlSource source(folder_.write("data.jsonl", content), fields);
    auto documents = read_all(source);
    repaired_ = source.counts().repaired_lines;
    return documents;
  }
  void expect_refused(const std::string& content, const std::vector<std::string>& parts) {
    expect_error([&] { read(content); }, ExitCode::kUsage, parts);
  }

  TemporaryFolder folder_;
  std::int64_t repaired_ = 0;
};

using Labels = std::vector<std::string>;

// As in MultiEURLEX's own files. A name that holds a dot goes before.
TEST_F(JsonlSourceTest, ADotLeadsIntoAnObject) {
  const std::string record = R"({"text": {"de": "x", "fr": null}, "concepts": {"level_2": [7]})";
  const auto read_text = [&](const std::string& field, const std::string& more) {
    return read(record + more + "}\n", {.text = field, .labels = "concepts.level_2"})[0];
  };
  EXPECT_EQ(read_text("text.de", "").text, "x");
  EXPECT_EQ(read_text("text.de", "").labels, Labels{"7"});
  EXPECT_EQ(read_text("text.fr", "").text, "");
  EXPECT_EQ(read_text("text.de", R"(, "text.de": "y")").text, "y");
  for (const char* field : {"text.en", "text.de.x", "labels.de"})
    expect_error([&] { read_text(field, ""); }, ExitCode::kUsage, {field, "text.de"});
  expect_error([&] { read_text("text", ""); }, ExitCode::kUsage, {"'text'", "a string", "object"});
}

TEST_F(JsonlSourceTest, ReadsLabelsOfEveryForm) {
  const auto documents = read(
      "{\"text\": \"a\", \"labels\": [\"x\", \"y\"]}\n"
      "{\"text\": \"b\", \"labels\": [3, -4]}\r\n"
      "\n  \n"
      "{\"text\": \"\", \"labels\": \"z\"}\n"
      "{\"labels\": 7, \"text\": \"\\u00e9\\ud83d\\ude00\", \"more\": {}}\n"
      "{\"text\": \"e\", \"labels\": []}");
  ASSERT_EQ(documents.size(), 5u);
  EXPECT_EQ(documents[0].labels, (Labels{"x", "y"}));
  EXPECT_EQ(documents[1].labels, (Labels{"3", "-4"}));
  EXPECT_EQ(documents[2].labels, Labels{"z"});
  EXPECT_EQ(documents[2].text, "");
  EXPECT_EQ(documents[3].labels, Labels{"7"});
  EXPECT_EQ(documents[3].text, "é😀");
  EXPECT_TRUE(documents[4].labels.empty());
}

TEST_F(JsonlSourceTest, WithoutASplitFieldNothingIsSaidOfIt) {
  EXPECT_EQ(read("{\"text\": \"t\", \"labels\": 1}\n")[0].split, std::nullopt);
}

TEST_F(JsonlSourceTest, FieldsOfKnownDataSetsAreFound) {
  const auto documents = read(
      "{\"celex_id\": \"3\", \"title\": \"t\", \"text\": \"a\", \"eurovoc_concepts\": [\"1565\"],"
      " \"data_type\": \"dev\"}\n");
  EXPECT_EQ(documents[0].labels, Labels{"1565"});
  EXPECT_EQ(documents[0].split, SourceSplit::kValidation);
  // "labels" goes before "eurovoc_concepts", what is asked for before both.
  const std::string both = "{\"text\": \"a\", \"eurovoc_concepts\": \"x\", \"labels\": \"y\"}\n";
  EXPECT_EQ(read(both)[0].labels, Labels{"y"});
  EXPECT_EQ(read(both, {.labels = "eurovoc_concepts"})[0].labels, Labels{"x"});
}

TEST_F(JsonlSourceTest, FieldsThatAreAskedForMustBeThere) {
  const std::string content = "{\"text\": \"a\", \"topic\": 1}\n";
  expect_refused(content, {"line 1", "'labels' or 'eurovoc_concepts'", "data.label_field",
                           "Known: text, topic"});
  for (const SourceFields& fields :
       {SourceFields{.text = "texts", .labels = "topic"}, SourceFields{.labels = "topics"},
        SourceFields{.labels = "topic", .split = "part"}})
    expect_error([&] { read(content, fields); }, ExitCode::kUsage,
                 {"line 1", "Known: text, topic"});
}

TEST_F(JsonlSourceTest, SplitNames) {
  std::string content;
  for (const char* name : {"train", "validation", "dev", "val", "test"})
    content += std::string("{\"text\": \"t\", \"labels\": 1, \"split\": \"") + name + "\"}\n";
  const auto documents = read(content);
  EXPECT_EQ(documents[0].split, SourceSplit::kTrain);
  for (const std::size_t i : {1, 2, 3})
    EXPECT_EQ(documents[i].split, SourceSplit::kValidation);
  EXPECT_EQ(documents[4].split, SourceSplit::kTest);
}

TEST_F(JsonlSourceTest, GzipIsToldByContent) {
  std::string content;
  for (int i = 0; i < 20000; ++i)
    content += "{\"text\": \"document " + std::to_string(i) + "\", \"labels\": 1}\n";
  const auto plain = read(content);
  const auto compressed = read(gzip(content));
  const auto members = read(gzip(content.substr(0, 1000)) + gzip(content.substr(1000)));
  ASSERT_EQ(plain.size(), 20000u);
  ASSERT_EQ(compressed.size(), plain.size());
  ASSERT_EQ(members.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    ASSERT_EQ(compressed[i].text, plain[i].text);
    ASSERT_EQ(members[i].text, plain[i].text);
  }
}

TEST_F(JsonlSourceTest, TruncatedOrDamagedGzipIsRefused) {
  std::string content;
  for (int i = 0; i < 5000; ++i)
    content += "{\"text\": \"" + std::to_string(i * 7919 % 5003) + "\", \"labels\": 1}\n";
  const std::string whole = gzip(content);
  for (const std::size_t size : {whole.size() - 1, whole.size() - 8, whole.size() / 2,
                                 std::size_t{20}, std::size_t{11}, std::size_t{10}, std::size_t{3}})
    expect_refused(whole.substr(0, size), {"data.jsonl", "truncated"});
  std::string damaged = whole;
  damaged[whole.size() / 2] = static_cast<char>(damaged[whole.size() / 2] ^ 0x55);
  expect_error([&] { read(damaged); }, ExitCode::kUsage, {"data.jsonl", "line"});
}

// zlib's gzread takes all of these for the end of the file.
TEST_F(JsonlSourceTest, WhatFollowsAGzipStreamIsNeverHidden) {
  const std::string record = "{\"text\": \"a\", \"labels\": 1}\n", whole = gzip(record);
  expect_refused(whole + "\x1e" + whole.substr(1), {"data.jsonl' line 2", "other bytes"});
  expect_refused(whole + record, {"line 2", "other bytes"});
  for (const std::size_t size : {1, 2, 9})
    expect_refused(whole + whole.substr(0, size), {"line 2", "truncated"});
  const std::string zeros(200'000, '\0');
  EXPECT_EQ(read(whole + zeros).size(), 1u);
  EXPECT_EQ(read(whole + zeros + whole).size(), 2u);
  expect_refused(whole + zeros + record, {"line 2", "other bytes"});
  std::string checksum = whole;
  checksum[checksum.size() - 8] ^= 1;
  expect_refused(checksum, {"damage"});
}

TEST_F(JsonlSourceTest, FaultsNameFileLineFieldExpectedAndFound) {
  const std::string good = "{\"text\": \"a\", \"labels\": 1}\n\n";
  expect_refused(good + "{\"text\": \"a\", \n", {"data.jsonl' line 3", "JSON"});
  expect_refused(good + "[1, 2]\n", {"line 3", "object", "array [1,2]"});
  expect_refused(good + "{\"text\": 5, \"labels\": 1}\n",
                 {"line 3", "'text'", "expected a string", "number 5"});
  expect_refused(good + "{\"txt\": \"a\", \"labels\": 1}\n",
                 {"line 3", "'text'", "data.text_field", "Did you mean 'txt'"});
  expect_refused(good + "{\"text\": \"a\"}\n", {"line 3", "'labels'", "data.label_field"});
  expect_refused(good + "{\"text\": \"a\", \"labels\": 1.5}\n", {"'labels'", "integer", "1.5"});
  expect_refused(good + "{\"text\": \"a\", \"labels\": [[1]]}\n", {"'labels'", "array [1]"});
  expect_refused(good + "{\"text\": \"a\", \"labels\": 1, \"split\": \"train\"}\n",
                 {"line 3", "'split'", "none in the first record"});
  expect_refused("{\"text\": \"a\", \"labels\": 1, \"split\": \"trian\"}\n",
                 {"line 1", "'split'", "\"train\"", "trian"});
  expect_refused(good + std::string("{\"text\": \"a\", \"labels\": 1}\0x\n", 28),
                 {"line 3", "NUL"});
}

TEST_F(JsonlSourceTest, EmptyDataIsRefused) {
  expect_refused("", {"data.jsonl", "empty"});
  expect_refused("\n \n\t\n", {"data.jsonl", "3 lines", "empty"});
  expect_refused(gzip(""), {"data.jsonl", "empty"});
}

TEST_F(JsonlSourceTest, MissingFilesAndFoldersAreRefused) {
  const auto missing = folder_.path() / "none.jsonl";
  expect_error([&] { JsonlSource(missing, {}); }, ExitCode::kUsage, {missing.string()});
  expect_error([&] { JsonlSource(folder_.path(), {}); }, ExitCode::kUsage,
               {folder_.path().string()});
}

TEST_F(JsonlSourceTest, IllFormedUtf8IsRepairedAndCounted) {
  const auto documents =
      read("{\"text\": \"a\xFF\", \"labels\": 1}\n{\"text\": \"b\", \"labels\": 1}\n");
  EXPECT_EQ(documents[0].text, "a\xEF\xBF\xBD");
  EXPECT_EQ(repaired_, 1);
}

TEST_F(JsonlSourceTest, LoneSurrogatesAreRepairedAndCounted) {
  const auto documents = read(R"({"text": "\ud83d", "labels": 1})"
                              "\n"
                              R"({"text": "a\uDE00b\ud83d\ude00", "labels": 1})"
                              "\n"
                              R"({"text": "\\ud83d", "labels": 1})"
                              "\n");
  EXPECT_EQ(documents[0].text, "\xEF\xBF\xBD");
  EXPECT_EQ(documents[1].text,
            "a\xEF\xBF\xBD"
            "b😀");
  EXPECT_EQ(documents[2].text, "\\ud83d");
  EXPECT_EQ(repaired_, 2);
}

TEST_F(JsonlSourceTest, NullIsNoLabel) {
  const auto documents =
      read("{\"text\": \"a\", \"labels\": null}\n{\"text\": \"a\", \"labels\": [null, 1]}\n");
  EXPECT_TRUE(documents[0].labels.empty());
  EXPECT_EQ(documents[1].labels, Labels{"1"});
}

TEST_F(JsonlSourceTest, AFieldOfAnotherMeaningIsNoSplit) {
  const std::string rest = "\", \"text\": \"a\", \"labels\": 1}\n";
  EXPECT_EQ(read("{\"data_type\": \"text" + rest)[0].split, std::nullopt);
  EXPECT_EQ(read("{\"split\": \"A\", \"data_type\": \"dev" + rest)[0].split,
            SourceSplit::kValidation);
  const std::string split = "{\"split\": \"train" + rest;
  EXPECT_EQ(read(split, {.split = "none"})[0].split, std::nullopt);
  expect_refused("{\"split\": \"A" + rest + split, {"line 2", "'split'", "train"});
}

TEST_F(JsonlSourceTest, LabelsAreNotReadForLanguageModels) {
  EXPECT_EQ(read("{\"text\": \"a\"}\n", {.with_labels = false}).size(), 1u);
}

}  // namespace
}  // namespace dtbench
