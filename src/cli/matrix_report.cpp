#include "cli/matrix_report.h"

#include <algorithm>

#include "base/table.h"
#include "base/text.h"
#include "cli/sweep_view.h"
#include "config/memory_estimate.h"
#include "record/run_summary.h"
#include "sweep/cell_shape.h"
#include "sweep/ledger.h"

namespace dtbench {
namespace {

constexpr std::size_t kListed = 20;  // names in a sentence

Json status_of(const SweepCell& cell) {
  const RunRecord record = read_run(cell.run);
  if (record.spec.is_null() && record.result.is_null()) return "not run";
  return summary_of(record).at("status");
}

Json memory_of(const SweepCell& cell, const std::filesystem::path& configs) {
  const auto shape = shape_before_data(cell.spec, configs).shape;
  return shape ? Json(estimate_memory(cell.spec, *shape).total) : Json();
}

std::string time_of(const Json& seconds) {
  return seconds.is_number() ? human_seconds(seconds.get<double>()) : "-";
}

std::string money_of(const Json& amount) {
  return amount.is_number() ? usd(amount.get<double>()) : "-";
}

// Cells that share a fate and its reason.
struct Group {
  std::string failure;
  std::vector<std::string> names;
};

// Of a state, in the order of their first cells.
std::vector<Group> groups_of(const Json& summary, const char* state) {
  std::vector<Group> groups;
  for (const Json& cell : summary.at("cells")) {
    if (cell.at("state") != state) continue;
    const std::string failure = readable(cell.at("failure"));
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& known) { return known.failure == failure; });
    if (group == groups.end()) group = groups.insert(groups.end(), {failure, {}});
    group->names.push_back(readable(cell.at("name")));
  }
  return groups;
}

std::string listed(const std::vector<std::string>& names) {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kListed));
  const std::size_t more = names.size() - static_cast<std::size_t>(shown);
  return join({names.begin(), names.begin() + shown}, ", ") +
         (more > 0 ? concat(" and ", more, " more") : "");
}

}  // namespace

Json forecast(const std::vector<SweepCell>& cells, const SweepOptions& options) {
  Json list = Json::array();
  double seconds = 0, device_s = 0;
  std::size_t unknown = 0;
  for (const SweepCell& cell : cells) {
    const double share = options.slots.front().share;
    const bool priced = cell.predicted_s && options.price_per_hour;
    list.push_back(
        {{"cell_id", cell.run.filename().string()},
         {"name", cell.name},
         {"status", status_of(cell)},
         {"memory_bytes", memory_of(cell, options.configs)},
         {"seconds", number_or_null(cell.predicted_s)},
         {"usd",
          priced ? Json(cost_of(*cell.predicted_s * share, *options.price_per_hour)) : Json()}});
    seconds += cell.predicted_s.value_or(0) / static_cast<double>(options.slots.size());
    device_s += cell.predicted_s.value_or(0) * share;
    unknown += cell.predicted_s ? 0 : 1;
  }
  const bool known = unknown < cells.size();
  return {
      {"cells", list},
      {"total",
       {{"cells", cells.size()},
        {"unpredicted", unknown},
        {"at_a_time", options.slots.size()},
        {"hours", known ? Json(seconds / 3600) : Json()},
        {"usd", known && options.price_per_hour ? Json(cost_of(device_s, *options.price_per_hour))
                                                : Json()}}}};
}

std::string forecast_text(const Json& forecast) {
  Rows rows = {{"cell", "status", "memory", "time", "USD"}};
  for (const Json& cell : forecast.at("cells")) {
    const Json& memory = cell.at("memory_bytes");
    rows.push_back({readable(cell.at("name")), readable(cell.at("status")),
                    memory.is_number() ? human_bytes(memory.get<std::uint64_t>()) : "-",
                    time_of(cell.at("seconds")), money_of(cell.at("usd"))});
  }
  const Json& total = forecast.at("total");
  std::string text = aligned(rows, {2, 2});
  std::string sentence = concat(readable(total.at("cells")), " cells, ",
                                readable(total.at("at_a_time")), " at a time");
  if (total.at("hours").is_number())
    sentence +=
        concat(": ", human_seconds(total.at("hours").get<double>() * 3600),
               total.at("usd").is_number() ? concat(", ", money_of(total.at("usd")), " USD") : "");
  if (total.at("unpredicted") != 0)
    sentence += concat("; the time of ", readable(total.at("unpredicted")),
                       " of them is unknown, because no cell of their kind was trained here: "
                       "'dtbench plan' trains a few steps of each kind");
  return text + "\n" + wrapped(sentence + ".", kProse);
}

Json matrix_summary(const std::vector<SweepCell>& cells, const SweepOptions& options) {
  Json list = Json::array(), counts = Json::object();
  for (const SweepCell& cell : cells) {
    list.push_back({{"cell_id", cell.run.filename().string()},
                    {"name", cell.name},
                    {"state", to_string(cell.state)},
                    {"failure", cell.failure}});
    counts[to_string(cell.state)] = counts.value(to_string(cell.state), 0) + 1;
  }
  const double device_s = device_seconds(Ledger(account_folder(options)).by_cell());
  return {{"cells", list},
          {"counts", counts},
          {"out", options.out.string()},
          {"device_s", device_s},
          {"spent_usd",
           options.price_per_hour ? Json(cost_of(device_s, *options.price_per_hour)) : Json()},
          {"budget", number_or_null(options.budget)}};
}

std::string matrix_summary_text(const Json& summary) {
  const auto count = [&](const char* state) { return summary.at("counts").value(state, 0); };
  std::string text =
      concat(count("done"), " of ", summary.at("cells").size(),
             " cells are done: 'dtbench list --out ", readable(summary.at("out")),
             "' lists them, 'dtbench analyse ", readable(summary.at("out")), "' compares them.\n");
  for (const Group& group : groups_of(summary, "failed"))
    text += concat("failed: ", listed(group.names), ": ", group.failure, "\n");
  for (const Group& group : groups_of(summary, "left out"))
    if (group.failure.empty())
      text += wrapped(concat("The budget does not pay for ", group.names.size(), " of ",
                             summary.at("cells").size(),
                             " cells, which were left out: ", listed(group.names), "."),
                      kProse);
    else
      text += concat("left out: ", listed(group.names), ": ", group.failure, "\n");
  if (const int waiting = count("waiting"); waiting > 0)
    text += concat("The same command resumes; ", waiting, " of ", summary.at("cells").size(),
                   " cells left.\n");
  if (const int elsewhere = count("elsewhere"); elsewhere > 0)
    text +=
        concat("Other processes hold ", elsewhere, " of ", summary.at("cells").size(), " cells.\n");
  text += concat("Device time: ", human_seconds(summary.at("device_s").get<double>()));
  if (summary.at("spent_usd").is_number())
    text += concat(", ", money_of(summary.at("spent_usd")), " USD");
  if (summary.at("budget").is_number())
    text += concat(" of a budget of ", money_of(summary.at("budget")));
  return text + ".\n";
}

}  // namespace dtbench
