#include "config/hub_address.h"

#include <algorithm>
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

// The revisions that hold slashes must be known, or their end would not be.
std::string take_revision(std::string_view& rest) {
  constexpr std::string_view kAlias = "~parquet";
  if (rest.starts_with(kParquetCopy))
    return take_until(rest, std::string_view(kParquetCopy).size());
  if (constexpr std::string_view kPullRequest = "refs/pr/"; rest.starts_with(kPullRequest))
    return take_until(rest, rest.find('/', kPullRequest.size()));
  std::string revision = take_until(rest, rest.find('/'));
  return revision == kAlias ? kParquetCopy : revision;
}

}  // namespace

bool is_hub_address(const std::string& text) {
  return text.starts_with(kScheme);
}

HubAddress parse_hub_address(const std::string& text, const std::string& setting) {
  const auto wrong = [&] {
    return usage_error(concat("'", setting, "' must be an address on the Hub, ",
                              "hf://[datasets/]OWNER/NAME[@REVISION][/PATH], got '", text, "'."),
                       "hf://openai-community/gpt2/tokenizer.json, "
                       "hf://datasets/coastalcph/lex_glue/eurlex");
  };
  if (!is_hub_address(text)) throw wrong();
  std::string_view rest = std::string_view(text).substr(kScheme.size());
  HubAddress address;
  address.dataset = rest.starts_with(kDatasets);
  if (address.dataset) rest.remove_prefix(kDatasets.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) throw wrong();
  address.id = take_until(rest, rest.find_first_of("/@", slash + 1));
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
