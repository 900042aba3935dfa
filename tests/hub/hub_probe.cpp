// The Hub client for tests/hub: hub_probe SETTINGS COMMAND TYPE ID REVISION [ARGUMENT...]
// SETTINGS is a JSON object of times that tests cannot wait for; the rest is from the environment.
// Prints the answer as JSON; errors and exit codes are the program's.
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "hub/hub.h"

namespace {

using dtbench::Json;

dtbench::HubSettings settings_of(const Json& json) {
  dtbench::HubSettings settings = dtbench::hub_settings_from_environment();
  dtbench::RetryPolicy& retry = settings.retry;
  retry.retries = json.value("retries", retry.retries);
  retry.first_wait_s = json.value("first_wait_s", retry.first_wait_s);
  retry.longest_wait_s = json.value("longest_wait_s", retry.longest_wait_s);
  retry.longest_retry_after_s = json.value("longest_retry_after_s", retry.longest_retry_after_s);
  settings.stall_timeout_s = json.value("stall_timeout_s", settings.stall_timeout_s);
  return settings;
}

// What is read from the environment; of the token only what a test may know.
Json settings_answer(const dtbench::HubSettings& settings) {
  return {
      {"endpoint", settings.endpoint},         {"cache", settings.cache.string()},
      {"offline", settings.offline},           {"timeout_s", settings.stall_timeout_s},
      {"token_source", settings.token_source}, {"token_length", settings.token.reveal().size()}};
}

Json list_answer(const std::vector<dtbench::HubFile>& files) {
  Json answer = Json::array();
  for (const dtbench::HubFile& file : files)
    answer.push_back({{"path", file.path}, {"size", file.size}, {"hash", file.hash}});
  return answer;
}

Json parquet_answer(const std::vector<dtbench::ParquetFile>& files) {
  Json answer = Json::array();
  for (const dtbench::ParquetFile& file : files)
    answer.push_back({{"configuration", file.configuration},
                      {"split", file.split},
                      {"partial", file.partial},
                      {"path", file.file.path}});
  return answer;
}

// Ranges as OFFSET:LENGTH; their bytes in hexadecimal would be long, so that tests send text files.
Json ranges_answer(dtbench::ByteSource& source, const std::vector<std::string>& ranges) {
  Json read = Json::array();
  for (const std::string& range : ranges) {
    const std::size_t colon = range.find(':');
    read.push_back(source.read(std::stoll(range), std::stoll(range.substr(colon + 1))));
  }
  return {{"size", source.size()}, {"read", read}};
}

Json verify_answer(const dtbench::Verification& verification) {
  Json corrupt = Json::array();
  for (const dtbench::CorruptBlob& blob : verification.corrupt)
    corrupt.push_back({{"hash", blob.hash},
                       {"found", blob.found},
                       {"links", blob.links.size()},
                       {"moved_to", blob.moved_to.string()}});
  return {{"blobs", verification.blobs}, {"bytes", verification.bytes}, {"corrupt", corrupt}};
}

Json answer(dtbench::Hub& hub, const std::string& command, const dtbench::Repository& repository,
            const std::vector<std::string>& arguments) {
  if (command == "commit") return hub.commit(repository);
  if (command == "list") return list_answer(hub.list(repository));
  if (command == "parquet") return parquet_answer(hub.parquet(repository));
  if (command == "verify") return verify_answer(hub.verify(repository));
  if (command == "ranges") {
    const auto source = hub.open(repository, arguments.at(0));
    Json read = ranges_answer(*source, {arguments.begin() + 1, arguments.end()});
    read["received"] = hub.received();
    return read;
  }
  Json files = Json::array();  // "file"
  for (const std::string& path : arguments)
    files.push_back(hub.file(repository, path).string());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const dtbench::HubSettings settings = settings_of(Json::parse(words.at(0)));
    if (words.at(1) == "settings") {
      std::cout << settings_answer(settings) << '\n';
      return 0;
    }
    const dtbench::Repository repository{words.at(2) == "model" ? dtbench::RepositoryType::kModel
                                                                : dtbench::RepositoryType::kDataset,
                                         words.at(3), words.at(4)};
    dtbench::Hub hub(settings);
    std::cout << answer(hub, words.at(1), repository, {words.begin() + 5, words.end()}) << '\n';
    return 0;
  } catch (const dtbench::Error& error) {
    dtbench::log_error(error.what());
    return static_cast<int>(error.code());
  }
}
