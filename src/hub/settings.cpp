#include "hub/settings.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <initializer_list>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"
#include "hub/url.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct Setting {
  std::string name, value;
};

// The first of the variables that is set and not empty.
Setting first_set(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value && *value) return {name, value};
  return {};
}

std::string home_folder() {
  if (const std::string home = first_set({"HOME"}).value; !home.empty()) return home;
  const passwd* entry = getpwuid(getuid());
  return entry ? entry->pw_dir : "/";
}

std::string expand_home(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  return home_folder() + path.substr(1);
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// $NAME and ${NAME}; a variable that is not set stays as it is written (os.path.expandvars).
std::string expand_variables(const std::string& path) {
  std::string expanded;
  for (std::size_t at = 0; at < path.size();) {
    const bool braces = path.compare(at, 2, "${") == 0;
    const std::size_t start = at + (braces ? 2 : 1);
    std::size_t end = start;
    if (path[at] == '$')
      while (end < path.size() && is_name_character(path[end]))
        ++end;
    const bool named = end > start && (!braces || (end < path.size() && path[end] == '}'));
    const char* value = named ? std::getenv(path.substr(start, end - start).c_str()) : nullptr;
    if (!value) {
      expanded += path[at++];
      continue;
    }
    expanded += value;
    at = end + (braces ? 1 : 0);
  }
  return expanded;
}

fs::path expand(const std::string& path) {
  return expand_variables(expand_home(path));
}

fs::path hugging_face_home() {
  if (const Setting home = first_set({"HF_HOME"}); !home.value.empty()) return expand(home.value);
  const Setting cache = first_set({"XDG_CACHE_HOME"});
  return expand(cache.value.empty() ? "~/.cache" : cache.value) / "huggingface";
}

fs::path cache_folder(const fs::path& home) {
  const Setting cache = first_set({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  return fs::absolute(cache.value.empty() ? home / "hub" : expand(cache.value));
}

bool is_true(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string read_endpoint() {
  Setting endpoint = first_set({"HF_ENDPOINT"});
  if (endpoint.value.empty()) return HubSettings().endpoint;
  while (endpoint.value.ends_with('/'))
    endpoint.value.pop_back();
  // Not shown where it may hold a password.
  if (endpoint.value.find('@') != std::string::npos)
    throw usage_error("HF_ENDPOINT must be an address without user name and password.",
                      "Put a token into HF_TOKEN.");
  if (url_origin(endpoint.value).empty())
    throw usage_error(concat("HF_ENDPOINT must be an address like 'https://huggingface.co', got '",
                             endpoint.value, "'."),
                      "Correct it, or unset it to use https://huggingface.co.");
  return endpoint.value;
}

// Whole seconds; the Python client takes no others either.
int read_timeout() {
  const Setting timeout = first_set({"HF_HUB_DOWNLOAD_TIMEOUT"});
  if (timeout.value.empty()) return HubSettings().stall_timeout_s;
  int seconds = 0;
  const char* end = timeout.value.data() + timeout.value.size();
  const auto [rest, error] = std::from_chars(timeout.value.data(), end, seconds);
  if (error != std::errc() || rest != end || seconds < 1)
    throw usage_error(
        concat("HF_HUB_DOWNLOAD_TIMEOUT must be a number of whole seconds from 1 on, ", "got '",
               timeout.value, "'."),
        concat("Unset it for ", HubSettings().stall_timeout_s, " s."));
  return seconds;
}

// Line ends anywhere and white space around it are no part of a token.
std::string clean_token(std::string token) {
  std::erase(token, '\r');
  std::erase(token, '\n');
  constexpr const char* kSpace = " \t\v\f";
  token.erase(0, std::min(token.find_first_not_of(kSpace), token.size()));
  token.erase(token.find_last_not_of(kSpace) + 1);
  return token;
}

void read_token(const fs::path& home, HubSettings& settings) {
  if (is_true(first_set({"HF_HUB_DISABLE_IMPLICIT_TOKEN"}).value)) return;
  Setting token = first_set({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"});
  token.value = clean_token(token.value);
  if (token.value.empty()) {
    const Setting path = first_set({"HF_TOKEN_PATH"});
    const fs::path file = path.value.empty() ? home / "token" : expand(path.value);
    token = {concat("the file '", file.string(), "'"), clean_token(read_file(file).value_or(""))};
  }
  if (token.value.empty()) return;
  const bool printable = std::all_of(token.value.begin(), token.value.end(),
                                     [](char c) { return c > ' ' && c < 127; });
  if (!printable)
    throw usage_error(
        concat("The token from ", token.name, " holds characters that are invalid in a token."),
        "Copy it again from https://huggingface.co/settings/tokens.");
  settings.token = Secret(token.value);
  settings.token_source = token.name;
}

}  // namespace

HubSettings hub_settings_from_environment() {
  HubSettings settings;
  settings.endpoint = read_endpoint();
  const fs::path home = hugging_face_home();
  settings.cache = cache_folder(home);
  settings.offline = is_true(first_set({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}).value);
  settings.stall_timeout_s = read_timeout();
  read_token(home, settings);
  return settings;
}

}  // namespace dtbench
