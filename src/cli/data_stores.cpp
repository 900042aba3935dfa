// dtbench data list, show and verify: the tokenized stores of the cache.
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "config/hub_address.h"
#include "data/hub_files.h"
#include "data/store_check.h"
#include "data/store_summary.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct StoreOptions {
  std::string store;
  bool json = false;
};

constexpr std::size_t kShortFingerprint = 12;

std::string age_of(const Json& summary) {
  constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  const auto age = summary.at("age_s").get<std::int64_t>();
  if (age < kHour) return concat(age / kMinute, " min");
  if (age < 2 * kDay) return concat(age / kHour, " h");
  return concat(age / kDay, " d");
}

std::string bytes_of(const Json& summary) {
  return human_bytes(summary.at("bytes").get<std::uint64_t>());
}

void list_stores(const StoreOptions& options) {
  Json summaries = Json::array();
  for (const StoreFolder& store : stores_in(cache_folder()))
    summaries.push_back(store_summary(store.path, store.quarantined));
  if (options.json) {
    std::cout << json_text(summaries, 1) << '\n';
    return;
  }
  if (summaries.empty()) {
    log_info(concat("no stores in '", (cache_folder() / "stores").string(), "'"));
    return;
  }
  Rows rows = {
      {"store", "data", "for", "view", "documents", "tokens", "labels", "size", "age", "state"}};
  for (const Json& store : summaries) {
    const auto cell = [&](const char* name) { return readable(store.at(name)); };
    rows.push_back({cell("fingerprint").substr(0, kShortFingerprint), cell("name"),
                    cell("token_scheme"), cell("view"), cell("documents"), cell("tokens"),
                    cell("labels"), bytes_of(store), age_of(store), cell("state")});
  }
  std::cout << aligned(rows);
}

// Those that a command is about: all, the one at a path, or the one whose fingerprint begins so.
std::vector<fs::path> chosen_stores(const std::string& name) {
  if (!name.empty() && fs::is_directory(name)) return {name};
  std::vector<std::string> known;
  std::vector<fs::path> chosen;
  for (const StoreFolder& store : stores_in(cache_folder())) {
    if (store.quarantined) continue;
    known.push_back(store.path.filename().string().substr(0, kShortFingerprint));
    if (store.path.filename().string().starts_with(name)) chosen.push_back(store.path);
  }
  if (!name.empty() && chosen.empty())
    throw usage_error(
        concat("There is no store '", name, "' in '", (cache_folder() / "stores").string(), "'."),
        known.empty() ? "'dtbench data prepare' makes one." : suggestion(name, known));
  return chosen;
}

fs::path one_store(const std::string& name) {
  const std::vector<fs::path> stores = chosen_stores(name);
  if (stores.size() == 1) return stores.front();
  throw usage_error(concat("Expected one store, found ", stores.size(),
                           name.empty() ? "" : concat(" that begin with '", name, "'"), "."),
                    "dtbench data show FINGERPRINT; 'dtbench data list' lists the stores.");
}

void print_labels(const Json& statistics) {
  std::cout << "\nLabels per document\n"
            << readable_members(statistics.at("labels_a_document"), 2)
            << "\nMost frequent labels in training\n";
  Rows rows = {{"  label", "documents", "share"}};
  for (const Json& label : statistics.at("most_frequent"))
    rows.push_back({"  " + readable(label.at("label")), readable(label.at("train_documents")),
                    readable(label.at("share"))});
  std::cout << aligned(rows, {.first_right = 1});
}

void show_store(const StoreOptions& options) {
  Json details = store_details(one_store(options.store));
  if (options.json) {
    std::cout << json_text(details, 1) << '\n';
    return;
  }
  std::cout << "Store " << readable(details.at("path")) << "\n  " << readable(details.at("name"))
            << " for " << readable(details.at("token_scheme")) << ", " << bytes_of(details)
            << ", prepared " << age_of(details) << " ago\n"
            << "\nCounts\n"
            << readable_members(details.at("counts"), 2) << "\nConstant answers, on validation\n"
            << readable_members(details.at("constant_answers"), 2);
  if (details.contains("label_statistics")) print_labels(details.at("label_statistics"));
  std::cout << "\nFiles, bytes\n" << readable_members(details.at("files"), 2);
  for (const Json& example : details.at("examples")) {
    std::vector<std::string> labels = example.at("labels");
    std::cout << "\nTraining document " << example.at("document") << ", " << example.at("tokens")
              << " tokens" << (labels.empty() ? "" : ", labels ") << join(labels, ", ") << '\n'
              << readable(example.at("text")) << '\n';
  }
}

// Cached contents of a repository on the Hub.
void verify_repository(const StoreOptions& options) {
  const Json found = hub_files().verify(parse_hub_address(options.store, "store"));
  const Json& corrupt = found.at("corrupt");
  if (found.at("files") == 0 && corrupt.empty())
    throw usage_error(concat("'", options.store, "' is not in the cache."),
                      "Check the name, or fetch it: 'dtbench data prepare'.");
  if (options.json)
    std::cout << json_text(found, 1) << '\n';
  else if (corrupt.empty())
    std::cout << options.store << ": " << found.at("files") << " files ("
              << human_bytes(found.at("bytes").get<std::uint64_t>())
              << ") in the cache, all intact\n";
  if (corrupt.empty()) return;
  log_info("the next run or 'dtbench data prepare' downloads them again");
  throw Ended{ExitCode::kPermanent};
}

void verify_stores(const StoreOptions& options) {
  if (is_hub_address(options.store)) return verify_repository(options);
  Json answers = Json::array();
  bool all_whole = true;
  for (const fs::path& store : chosen_stores(options.store)) {
    const auto fault = find_fault(store);
    Json answer = {{"path", store.string()},
                   {"fault", fault ? Json(*fault) : Json()},
                   {"quarantined_as", nullptr}};
    if (fault) {
      answer["quarantined_as"] = quarantine(store).string();
      log_warning(concat("the store ", store.string(), " changed after it was written; moved to ",
                         answer["quarantined_as"].get<std::string>(), ". ", *fault));
      all_whole = false;
    }
    if (!options.json && !fault) std::cout << store.string() << ": whole\n";
    answers.push_back(answer);
  }
  if (options.json) std::cout << json_text(answers, 1) << '\n';
  if (!options.json && answers.empty()) log_info("no stores to verify");
  if (all_whole) return;
  log_info("the next run or 'dtbench data prepare' rebuilds them");
  throw Ended{ExitCode::kPermanent};
}

void add_command(CLI::App& data, const char* name, const char* description, const char* argument,
                 void (*work)(const StoreOptions&)) {
  CLI::App* command = data.add_subcommand(name, description);
  const auto options = std::make_shared<StoreOptions>();
  if (argument != nullptr) command->add_option("store", options->store, argument);
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options, work] { work(*options); });
}

}  // namespace

void add_store_commands(CLI::App& data) {
  add_command(data, "list", "list the tokenized stores in the cache", nullptr, list_stores);
  add_command(data, "show", "show one store: counts, labels, decoded examples, disk use",
              "store folder, or a prefix of its fingerprint; optional if there is only one store",
              show_store);
  add_command(
      data, "verify",
      "check stores against their hashes; if any are damaged, move them aside and exit with code 4",
      "store folder, a prefix of its fingerprint, or a cached repository, "
      "hf://[datasets/]OWNER/NAME (default: all stores)",
      verify_stores);
}

}  // namespace dtbench
