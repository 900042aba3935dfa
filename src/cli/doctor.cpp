#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/child.h"
#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/plugin.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/gpu_line.h"
#include "config/run_spec.h"
#include "data/hub_files.h"
#include "data/parquet.h"
#include "hardware/reachable.h"
#include "sweep/study_needs.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct DoctorOptions {
  std::string device;
  std::optional<double> price_per_hour;
  bool json = false;
};

constexpr double kHubSeconds = 3;
constexpr std::uintmax_t kEnoughDisk = std::uintmax_t{20} << 30;
// Of the measured rates of products, what training is assumed to reach. An assumption, and printed
// as one: MFU against the measured peak is what a first cell will tell.
constexpr double kAssumedShare = 0.4;

// The engine's half. Without an engine there is none, which is a finding like others.
Json examine(const std::string& device) {
  try {
    std::vector<std::string> arguments = {engine_program().string(), "doctor"};
    if (!device.empty()) arguments.insert(arguments.end(), {"--device", device});
    const ChildOutput child = run_child(arguments);
    if (child.status == 0) return parse_json(child.output);
    if (child.status == static_cast<int>(ExitCode::kUsage))
      throw Error(ExitCode::kUsage, "The engine refused this device; the reason is above.");
    return {{"asked", device},
            {"unavailable", concat("dtbench-engine doctor exited with status ", child.status)}};
  } catch (const Error& error) {
    if (error.code() == ExitCode::kUsage) throw;
    return {{"asked", device}, {"unavailable", error.what()}};
  } catch (const Json::exception& error) {
    return {{"asked", device},
            {"unavailable", concat("dtbench-engine doctor printed invalid JSON: ", error.what())}};
  }
}

// The nearest folder that exists: the cache may not be made yet.
Json disk(fs::path folder) {
  std::error_code error;
  while (!fs::exists(folder, error) && folder.has_relative_path())
    folder = folder.parent_path();
  const fs::space_info space = fs::space(folder, error);
  return {{"folder", folder.string()}, {"free_bytes", error ? Json() : Json(space.available)}};
}

Json hub() {
  const char* given = std::getenv("HF_ENDPOINT");
  const std::string endpoint =
      given != nullptr && *given != '\0' ? given : "https://huggingface.co";
  const auto reason = unreachable(endpoint, kHubSeconds);
  return {{"endpoint", endpoint}, {"unreachable", reason ? Json(*reason) : Json()}};
}

// What this build leaves out, in words. Doctor loads none of them.
Json missing_plugins() {
  Json missing = Json::array();
  if (!has_plugin(kParquetPlugin))
    missing.push_back(
        "this build cannot read Parquet (set-up found no pyarrow wheel): provide the "
        "study's data as .jsonl files");
  if (!has_plugin(kHubPlugin))
    missing.push_back(
        "this build has no Hub client: provide data, tokenizer and weights as files "
        "(--data, --tokenizer, --init)");
  return missing;
}

std::vector<std::string> warnings(const Json& found) {
  std::vector<std::string> list;
  const Json& why = found.at("hub").at("unreachable");
  if (why.is_string())
    list.push_back(concat("the Hub cannot be reached (", why.get<std::string>(),
                          "): provide files for whatever is not in its cache"));
  for (const Json& missing : found.at("missing_plugins"))
    list.push_back(missing);
  const Json& free = found.at("disk").at("free_bytes");
  if (free.is_number() && free.get<std::uintmax_t>() < kEnoughDisk)
    list.push_back(concat("less than ", human_bytes(kEnoughDisk), " free in ",
                          found.at("disk").at("folder").get<std::string>()));
  const Json preferred = member_or_null(found.at("engine"), "/sheet/preferred");
  if (member_or_null(found.at("engine"), "/device/cuda").is_object() && preferred != true)
    list.push_back(
        concat("the study is planned for an ", kPreferredGpus, "; this is a different GPU"));
  return list;
}

Json diagnose(const DoctorOptions& options) {
  Json found;
  found["engine"] = examine(options.device);
  found["disk"] = disk(cache_folder());
  found["hub"] = hub();
  found["missing_plugins"] = missing_plugins();
  found["warnings"] = warnings(found);
  Json needs = study_needs(configs_folder());
  const auto hours =
      study_hours(needs, member_or_null(found["engine"], "/products"), kAssumedShare);
  needs["assumed_share_of_measured_rate"] = kAssumedShare;
  needs["hours"] = hours ? Json(*hours) : Json();
  needs["price_usd"] =
      hours && options.price_per_hour ? Json(*hours * *options.price_per_hour) : Json();
  const std::vector<std::string> reasons = obstacles(found["engine"], needs);
  found["study"] = needs;
  found["study"]["obstacles"] = reasons;
  found["ready"] = reasons.empty();
  return found;
}

std::string rate(const Json& per_second, const char* unit) {
  constexpr std::array kPrefixes = {"", "k", "M", "G", "T", "P"};
  if (!per_second.is_number()) return "-";
  auto value = per_second.get<double>();
  std::size_t prefix = 0;
  for (; value >= 1000 && prefix + 1 < kPrefixes.size(); ++prefix)
    value /= 1000;
  return concat(readable(value), " ", kPrefixes[prefix], unit);
}

void print_device(const Json& engine) {
  const auto at = [&](const char* pointer) { return member_or_null(engine, pointer); };
  std::vector<std::vector<std::string>> rows;
  rows.push_back(
      {"device", readable(at("/device_name")) + " (" + readable(at("/device/device")) + ")"});
  rows.push_back({"torch", readable(at("/torch"))});
  rows.push_back({"threads", readable(at("/device/threads"))});
  if (const Json cuda = at("/device/cuda"); cuda.is_object()) {
    rows.push_back({"capability",
                    concat(readable(cuda["capability"][0]), ".", readable(cuda["capability"][1]))});
    rows.push_back({"memory", human_bytes(cuda["memory_bytes"].get<std::uint64_t>())});
    rows.push_back({"driver", readable(at("/gpu/driver"))});
    rows.push_back({"preferred GPU", at("/sheet/preferred") == true ? "yes" : "no"});
  }
  rows.push_back({"TF32 canary", at("/canary_passed") == true
                                     ? "fp32 matmuls are computed in fp32"
                                     : "CAUGHT: fp32 matmuls are not computed in fp32"});
  const Json products = at("/products");
  for (const auto& [datatype, peak] : products.items()) {
    const bool fp32 = datatype == "fp32";
    const Json sheet = at(fp32 ? "/sheet/fp32/value" : "/sheet/half/value");
    rows.push_back({datatype + " matmuls",
                    rate(member_or_null(peak, "/flops_per_s"), "FLOP/s") +
                        (sheet.is_number() ? ", data sheet " + rate(sheet, "FLOP/s") : "")});
  }
  const Json sheet = at("/sheet/memory/value");
  rows.push_back(
      {"memory copy", rate(at("/copy_bytes_per_s"), "B/s") +
                          (sheet.is_number() ? ", data sheet " + rate(sheet, "B/s") : "")});
  std::cout << aligned(rows);
  rows.clear();
  for (const Json& policy : at("/policies"))
    rows.push_back(
        {"  " + readable(policy.at("name")), policy.at("unsupported").is_null()
                                                 ? "works"
                                                 : "no: " + readable(policy.at("unsupported"))});
  std::cout << "\nPolicies\n" << aligned(rows);
}

void print_for_people(const Json& found) {
  const Json& engine = found.at("engine");
  if (member_or_null(engine, "/unavailable").is_null()) print_device(engine);
  const Json& disk = found.at("disk");
  const Json& study = found.at("study");
  std::vector<std::vector<std::string>> rows;
  if (disk.at("free_bytes").is_number())
    rows.push_back({"free disk", human_bytes(disk.at("free_bytes").get<std::uint64_t>()) + " in " +
                                     readable(disk.at("folder"))});
  rows.push_back({"Hub", readable(found.at("hub").at("endpoint")) +
                             (found.at("hub").at("unreachable").is_null() ? " accepts a connection"
                                                                          : " cannot be reached")});
  rows.push_back({"the study", concat(readable(study.at("cells")), " cells of ",
                                      readable(study.at("steps")), " steps (preset base), largest ",
                                      human_bytes(study.at("memory_bytes").get<std::uint64_t>()))});
  if (study.at("hours").is_number())
    rows.push_back(
        {"study time here", concat(human_seconds(study.at("hours").get<double>() * 3600), " at ",
                                   readable(study.at("assumed_share_of_measured_rate")),
                                   " of the measured rates, one seed")});
  if (study.at("price_usd").is_number())
    rows.push_back({"study price", concat(readable(study.at("price_usd")), " USD")});
  std::cout << '\n' << aligned(rows);
  for (const Json& warning : found.at("warnings"))
    std::cout << "warning: " << readable(warning) << '\n';
  if (found.at("ready") == true) {
    std::cout << "\nThe study (preset base) can run here.\n";
    return;
  }
  std::cout << "\nThe study (preset base) cannot run here:\n";
  for (const Json& reason : study.at("obstacles"))
    std::cout << "  - " << readable(reason) << '\n';
}

void run_doctor(const DoctorOptions& options) {
  if (!options.device.empty()) require_device(options.device);
  const Json found = diagnose(options);
  if (options.json)
    std::cout << json_text(found, 1) << '\n';
  else
    print_for_people(found);
  if (found.at("ready") == true) return;
  std::cout.flush();
  throw Error(ExitCode::kPermanent, "The study (preset base) cannot run on this machine.",
              concat("Run 'dtbench demo', which needs no GPU, or use a machine with one (",
                     kPreferredGpus, ")."));
}

}  // namespace

void add_doctor_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "doctor",
      "check what this machine supports, how fast it is, and whether preset base fits on it");
  const auto options = std::make_shared<DoctorOptions>();
  command->add_option("--device", options->device,
                      "cpu, cuda or cuda:N (default: cuda if a GPU is available)");
  command
      ->add_option("--price-per-hour", options->price_per_hour,
                   "price of this machine, in USD per hour")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { run_doctor(*options); });
}

}  // namespace dtbench
