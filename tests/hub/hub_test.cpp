// The Hub client's parts that need no server: addresses, names, waits, hashes.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <ctime>
#include <ostream>
#include <string>
#include <type_traits>

#include "data/local_file.h"
#include "hub/backoff.h"
#include "hub/content_hash.h"
#include "hub/http_client.h"
#include "hub/listing_page.h"
#include "hub/repository.h"
#include "hub/secret.h"
#include "hub/url.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Streamable<Secret>, "a secret can be printed");
static_assert(Streamable<std::string>);
static_assert(!std::is_convertible_v<Secret, std::string>);

// Expected values are urllib.parse.quote's.
TEST(Url, Quotes) {
  EXPECT_EQ(quote_url("refs/convert/parquet"), "refs%2Fconvert%2Fparquet");
  EXPECT_EQ(quote_url("a b/c#d?e%f&g.txt", "/"), "a%20b/c%23d%3Fe%25f%26g.txt");
  EXPECT_EQ(quote_url("\xc3\xa9_.-~"), "%C3%A9_.-~");
}

TEST(Url, OriginsTellHostsApart) {
  EXPECT_EQ(url_origin("https://huggingface.co/a?b"), "https://huggingface.co:443");
  EXPECT_EQ(url_origin("http://localhost:8080"), "http://localhost:8080");
  for (const char* other : {"http://huggingface.co/a", "https://huggingface.co:444/a",
                            "https://huggingface.co.evil/a", "https://huggingface.co@evil/a",
                            "https://evil/huggingface.co", "https://evil#@huggingface.co"})
    EXPECT_NE(url_origin(other), "https://huggingface.co:443") << other;
  for (const char* none : {"", "/a", "ftp://a", "file:///a", "huggingface.co/a"})
    EXPECT_EQ(url_origin(none), "") << none;
}

// RFC 3986, section 5.4.1.
TEST(Url, Resolves) {
  EXPECT_EQ(resolve_url("http://a/b/c/d;p?q", "/g"), "http://a/g");
  EXPECT_EQ(resolve_url("http://a/b/c/d;p?q", "../g"), "http://a/b/g");
  EXPECT_EQ(resolve_url("http://a/b/c/d;p?q", "//g"), "http://g/");
  EXPECT_EQ(resolve_url("http://a/b", "https://c/d?e=f"), "https://c/d?e=f");
}

TEST(Repository, NamesItsFoldersAndAddresses) {
  const Repository dataset{RepositoryType::kDataset, "owner/name", "refs/convert/parquet"};
  EXPECT_EQ(cache_folder_name(dataset), "datasets--owner--name");
  EXPECT_EQ(file_url("https://h", dataset, dataset.revision, "a b/c.parquet"),
            "https://h/datasets/owner/name/resolve/refs%2Fconvert%2Fparquet/a%20b/c.parquet");
  EXPECT_EQ(api_url("https://h", dataset), "https://h/api/datasets/owner/name");
  const Repository model{RepositoryType::kModel, "gpt2"};
  EXPECT_EQ(cache_folder_name(model), "models--gpt2");
  EXPECT_EQ(file_url("https://h", model, "main", "config.json"),
            "https://h/gpt2/resolve/main/config.json");
}

TEST(Repository, Commits) {
  EXPECT_TRUE(is_commit("2439f60ef33a0d46d85da5001d52aeda5b00ce9f"));
  EXPECT_FALSE(is_commit("2439f60ef33a0d46d85da5001d52aeda5b00ce9"));
  EXPECT_FALSE(is_commit("2439F60ef33a0d46d85da5001d52aeda5b00ce9f"));
  EXPECT_FALSE(is_commit("main"));
}

// git hash-object, sha256sum.
TEST(ContentHash, OfGitAndOfLargeFiles) {
  const TemporaryFolder folder;
  const std::string git(40, '0');
  const std::string large(64, '0');
  const auto hello = folder.write("hello", "hello\n");
  EXPECT_EQ(content_hash(hello, git), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(content_hash(hello, large),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  EXPECT_EQ(content_hash(folder.write("empty", ""), git),
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  // Three reads of the file, the last a short one; `yes hello | head -c 2500000 | git hash-object`.
  std::string long_text;
  while (long_text.size() < 2'500'000)
    long_text += "hello\n";
  long_text.resize(2'500'000);
  EXPECT_EQ(content_hash(folder.write("long", long_text), git),
            "ce99131cdf15952eab119b04154fe96408430d69");
  EXPECT_TRUE(is_content_hash(git) && is_content_hash(large));
  for (const char* none : {"", "abc", "../../../../../../../../../../../../../x/"})
    EXPECT_FALSE(is_content_hash(none)) << none;
}

HttpResponse reply_with(const std::string& name, const std::string& value) {
  HttpResponse reply;
  reply.headers[name] = value;
  return reply;
}

TEST(RetryAfter, NumbersDatesAndRateLimits) {
  EXPECT_EQ(retry_after_s(reply_with("retry-after", "120")), 120);
  EXPECT_EQ(retry_after_s(reply_with("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")), 0);
  EXPECT_EQ(retry_after_s(reply_with("ratelimit", "\"api\";r=0;t=55")), 55);
  EXPECT_EQ(retry_after_s(reply_with("ratelimit", "\"api\";r=3;t=55")), std::nullopt);
  for (const char* none : {"", "soon", "-1", "99999999999999999999"})
    EXPECT_EQ(retry_after_s(reply_with("retry-after", none)), std::nullopt) << none;

  const std::time_t soon = std::time(nullptr) + 3600;
  std::array<char, 64> date{};
  std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&soon));
  const auto seconds = retry_after_s(reply_with("retry-after", date.data()));
  ASSERT_TRUE(seconds.has_value());
  EXPECT_GT(*seconds, 3600 - 60);
  EXPECT_LE(*seconds, 3600);
}

HttpResponse page_of(const std::string& body) {
  HttpResponse page =
      reply_with("link", "<https://h/api/datasets/a/b/tree/c?cursor=d>; rel=\"next\"");
  page.url = "https://h/api/datasets/a/b/tree/c";
  page.body = body;
  return page;
}

TEST(ListingPage, FilesAndTheNextPage) {
  const HttpResponse page = page_of(
      R"([{"type":"directory","oid":"0","size":0,"path":"data"},
          {"type":"file","oid":"11","size":12,"path":"README.md"},
          {"type":"file","oid":"22","size":134,"path":"data/a","lfs":{"oid":"33","size":5000}}])");
  ListedFiles files;
  add_page(page, files);
  const auto listed = files_in_tree(nlohmann::ordered_json{{"files", files}});
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].path, "README.md");
  EXPECT_EQ(listed[0].size, 12);
  EXPECT_EQ(listed[1].hash, "33");
  EXPECT_EQ(listed[1].size, 5000);
  EXPECT_EQ(next_page(page, "https://h"), "https://h/api/datasets/a/b/tree/c?cursor=d");
  EXPECT_EQ(next_page(page, "https://mirror/x"),
            "https://mirror/x/api/datasets/a/b/tree/c?cursor=d");
  EXPECT_EQ(next_page(reply_with("link", ">; rel=\"next\""), "https://h"), "");
}

// In the fuzzers' corpora, too.
TEST(ListingPage, SizesThatAreNoneAreRefused) {
  for (const char* size : {"1e300", "-1", "1.5", "18446744073709551615", "\"1\""}) {
    const Json tree = {{"files", {{"a", {{"size", Json::parse(size)}, {"blob_id", "0"}}}}}};
    EXPECT_THROW(files_in_tree(tree), Json::exception) << size;
  }
}

TEST(Header, LinesOfAReplysHead) {
  HttpResponse reply;
  for (const char* line : {"HTTP/1.1 100 Continue\r\n", "X-Old: 1\r\n", "\r\n", "HTTP/2 302 \r\n",
                           "Location:  https://h/a \r\n", "no colon\r\n"})
    add_header(reply, line);
  EXPECT_EQ(reply.status, 302);
  EXPECT_EQ(reply.header("location"), "https://h/a");
  EXPECT_EQ(reply.headers.size(), 1U);
}

double waited(Backoff& backoff, std::optional<double> retry_after_s = std::nullopt) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(backoff.wait("why", retry_after_s));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// Sleeping is never shorter than asked; how much longer is the machine's.
TEST(Backoff, GrowsAndEnds) {
  Backoff backoff({.retries = 3, .first_wait_s = 0.02, .longest_wait_s = 0.05}, "it");
  EXPECT_GE(waited(backoff), 0.01);
  EXPECT_GE(waited(backoff), 0.02);
  EXPECT_GE(waited(backoff), 0.025);  // and not the 0.04 of 0.02 * 4 / 2
  EXPECT_FALSE(backoff.wait("why"));
  backoff.reset();
  EXPECT_GE(waited(backoff, 0.1), 0.1);
}

TEST(Backoff, DoesNotWaitTooLong) {
  Backoff backoff({.retries = 3, .first_wait_s = 0, .longest_retry_after_s = 10}, "it");
  EXPECT_FALSE(backoff.wait("why", 11));
  EXPECT_TRUE(backoff.wait("why"));
}

TEST(LocalFile, ReadsWhatIsThere) {
  const TemporaryFolder folder;
  LocalFile file(folder.write("a", "0123456789"));
  EXPECT_EQ(file.size(), 10);
  EXPECT_EQ(file.read(3, 4), "3456");
  EXPECT_EQ(file.read(10, 0), "");
  for (const auto& [offset, length] : {std::pair{9, 2}, {-1, 1}, {0, -1}, {11, 0}})
    expect_error([&] { file.read(offset, length); }, ExitCode::kPermanent, {"10 bytes"});
  expect_error([&] { LocalFile(folder.path() / "none"); }, ExitCode::kUsage, {"none"});
}

TEST(LocalFile, ThatBecameShorter) {
  const TemporaryFolder folder;
  LocalFile file(folder.write("a", "0123456789"));
  folder.write("a", "01");
  expect_error([&] { file.read(0, 10); }, ExitCode::kRetryable, {"was truncated"});
}

}  // namespace
}  // namespace dtbench
