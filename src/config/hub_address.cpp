#include "config/hub_address.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::string_view kScheme = "hf://";
constexpr std::string_view kDatasets = "datasets/";
constexpr const char* kParquetCopy = "refs/convert/parquet";

// Takes what comes before `end` off the front; `end` itself stays.
std::string take_until(std::string_view& rest, std::size_t end) {
  end = std::min(end, rest.size());
  std::string front(rest.substr(0, end));
  rest.remove_prefix(end);
  return front;
}

// huggingface_hub percent-encodes a revision with slashes, "refs%2Fpr%2F1"; what is no such code
// stays as it is.
std::string percent_decoded(const std::string& text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    const bool code = text[i] == '%' && i + 2 < text.size() &&
                      std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    decoded += code ? static_cast<char>(value) : text[i];
    if (code) i += 2;
  }
  return decoded;
}

// The revisions that hold slashes must be known, or their end would not be.
std::string take_revision(std::string_view& rest) {
  constexpr std::string_view kAlias = "~parquet";
  if (rest.starts_with(kParquetCopy))
    return take_until(rest, std::string_view(kParquetCopy).size());
  if (constexpr std::string_view kPullRequest = "refs/pr/"; rest.starts_with(kPullRequest))
    return take_until(rest, rest.find('/', kPullRequest.size()));
  const std::string revision = percent_decoded(take_until(rest, rest.find('/')));
  return revision == kAlias ? kParquetCopy : revision;
}

bool is_file_name(std::string_view name) {
  return name.ends_with(".json") || name.ends_with(".jsonl") || name.ends_with(".parquet") ||
         name.ends_with(".safetensors") || name.ends_with(".gz") || name.ends_with(".bin");
}

}  // namespace

bool is_hub_address(const std::string& text) {
  return text.starts_with(kScheme);
}

HubAddress parse_hub_address(const std::string& text, const std::string& setting) {
  const auto wrong = [&](const char* more = "") {
    return usage_error(
        concat("'", setting, "' must be an address on the Hub, ",
               "hf://[datasets/]OWNER/NAME[@REVISION][/PATH], got '", text, "'.", more),
        "hf://openai-community/gpt2/tokenizer.json, "
        "hf://datasets/coastalcph/lex_glue/eurlex");
  };
  const char* const kNoOwner = " OWNER seems to be missing.";
  if (!is_hub_address(text)) throw wrong();
  std::string_view rest = std::string_view(text).substr(kScheme.size());
  HubAddress address;
  address.dataset = rest.starts_with(kDatasets);
  if (address.dataset) rest.remove_prefix(kDatasets.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) throw wrong(rest.empty() ? "" : kNoOwner);
  address.id = take_until(rest, rest.find_first_of("/@", slash + 1));
  // "gpt2/model.safetensors": a file's name where the repository's should be.
  if (is_file_name(address.id.substr(slash + 1))) throw wrong(kNoOwner);
  if (rest.starts_with('@')) {
    rest.remove_prefix(1);
    address.revision = take_revision(rest);
  }
  if (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/'))
    rest.remove_suffix(1);
  address.path = rest;
  const bool whole = slash > 0 && address.id.size() > slash + 1 && !address.revision.empty();
  if (!whole) throw wrong();
  return address;
}

}  // namespace dtbench
