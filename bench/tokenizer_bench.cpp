// Times the tokenizer; bench/tokenizer.py drives it.
//   tokenizer_bench VOCAB MERGES TEXT THREADS
// TEXT holds documents separated by NUL. Prints one JSON line: `wall` and `cpu` seconds of encoding
// them (new encoders, their caches empty), and CPU seconds of the pre-tokenization alone on one
// thread: `split` (our scanner) and `split_oniguruma` (the pattern in Oniguruma), whose pieces must
// be equal.
#include <oniguruma.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "cpu_time.h"
#include "data/byte_level_bpe.h"
#include "data/pretokenize.h"

namespace dtbench {
namespace {

std::vector<std::string> read_documents(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> documents;
  for (std::string document; std::getline(in, document, '\0');)
    documents.push_back(document);
  if (documents.empty()) throw usage_error("The text is missing or empty.");
  return documents;
}

class OnigurumaPattern {
 public:
  OnigurumaPattern() {
    const std::string pattern =
        R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
    OnigEncoding encoding = ONIG_ENCODING_UTF8;
    onig_initialize(&encoding, 1);
    const auto* start = reinterpret_cast<const OnigUChar*>(pattern.data());
    if (onig_new(&regex_, start, start + pattern.size(), ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                 ONIG_SYNTAX_DEFAULT, nullptr) != ONIG_NORMAL)
      throw usage_error("Oniguruma does not take the pattern.");
    region_ = onig_region_new();
  }
  ~OnigurumaPattern() {
    onig_region_free(region_, 1);
    onig_free(regex_);
    onig_end();
  }
  OnigurumaPattern(const OnigurumaPattern&) = delete;
  OnigurumaPattern& operator=(const OnigurumaPattern&) = delete;

  // The length of the piece at `at`.
  std::size_t next(const std::string& text, std::size_t at) {
    const auto* begin = reinterpret_cast<const OnigUChar*>(text.data());
    const auto* end = begin + text.size();
    const int length = onig_match(regex_, begin, end, begin + at, region_, ONIG_OPTION_NONE);
    if (length <= 0) throw usage_error("Oniguruma matches nothing.");
    return static_cast<std::size_t>(length);
  }

 private:
  regex_t* regex_ = nullptr;
  OnigRegion* region_ = nullptr;
};

template <typename Next>
std::vector<std::size_t> split_all(const std::vector<std::string>& documents, const Next& next) {
  std::vector<std::size_t> lengths;
  for (const std::string& document : documents)
    for (std::size_t at = 0; at < document.size(); at += lengths.back())
      lengths.push_back(next(document, at));
  return lengths;
}

// The number of tokens, each thread taking the next document.
std::size_t encode_all(const ByteLevelBpe& bpe, const std::vector<std::string>& documents,
                       int threads) {
  std::atomic<std::size_t> next = 0, tokens = 0;
  const auto work = [&] {
    BpeEncoder encoder(bpe);
    std::vector<std::uint16_t> ids;
    for (std::size_t i = next++; i < documents.size(); i = next++) {
      ids.clear();
      encoder.encode(documents[i], ids);
      tokens += ids.size();
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads; ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers)
    helper.join();
  return tokens;
}

Json measure(const ByteLevelBpe& bpe, const std::vector<std::string>& documents, int threads) {
  const double wall_start = steady_seconds();
  double start = cpu_seconds();
  const std::size_t tokens = encode_all(bpe, documents, threads);
  const double cpu = cpu_seconds() - start, wall = steady_seconds() - wall_start;

  start = cpu_seconds();
  const auto ours = split_all(documents, [](const std::string& text, std::size_t at) {
    return next_piece(std::string_view(text).substr(at));
  });
  const double split = cpu_seconds() - start;

  OnigurumaPattern pattern;
  start = cpu_seconds();
  const auto theirs = split_all(
      documents, [&](const std::string& text, std::size_t at) { return pattern.next(text, at); });
  const double split_oniguruma = cpu_seconds() - start;
  if (ours != theirs) throw usage_error("Scanner and Oniguruma split the text differently.");
  return {{"cpu", cpu},
          {"wall", wall},
          {"tokens", tokens},
          {"split", split},
          {"split_oniguruma", split_oniguruma}};
}

}  // namespace
}  // namespace dtbench

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    const dtbench::ByteLevelBpe bpe(argv[1], argv[2]);
    std::cout << dtbench::measure(bpe, dtbench::read_documents(argv[3]), std::stoi(argv[4]))
              << '\n';
  } catch (const dtbench::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
