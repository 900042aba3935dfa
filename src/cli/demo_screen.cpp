// The live table: policies down, scenarios across, so that all cells fit a small terminal; below
// it the cell that is being trained and the whole.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "cli/demo_view.h"
#include "cli/table.h"

namespace dtbench {
namespace {

constexpr std::size_t kShort = 10, kWithLoss = 16, kWithRate = 26;  // characters of a cell

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return readable(json_number(value));
  return formatted(concat("%.", digits, "f").c_str(), value);
}

std::string fixed(const Json& value, int digits) {
  return value.is_number() ? fixed(value.get<double>(), digits) : readable(value);
}

// The outcome, or how the cell ended otherwise, in at most kShort characters.
std::string short_end(const Json& row) {
  const std::string word = readable(row.at(row.at("outcome").is_null() ? "status" : "outcome"));
  if (word == "diverged_finite") return "diverged";
  if (word == "out_of_memory") return "no memory";
  return cut(word, kShort);
}

std::string ended_cell(const Json& row, std::size_t width) {
  std::string text = short_end(row);
  if (width >= kWithLoss && !row.at("val_loss").is_null())
    text += concat(" ", fixed(row.at("val_loss"), 4));
  if (width >= kWithRate && !row.at("samples_per_s").is_null())
    text += concat(" ", fixed(row.at("samples_per_s"), 0), "/s");
  return text;
}

std::string running_cell(const DemoProgress& progress, std::size_t width) {
  if (progress.stopping) return "stopping";
  if (!progress.step) return "starting";
  std::string text = concat(progress.step->done, "/", progress.running->spec.train.steps);
  if (text.size() + 5 <= kShort || width >= kWithLoss)
    text += concat(" ", fixed(progress.step->loss, 2));
  if (width >= kWithRate) text += concat(" ", fixed(progress.step->samples_per_s, 0), "/s");
  return text;
}

std::string cell_text(const DemoProgress& progress, const DemoCell& cell, std::size_t width) {
  if (&cell == progress.running && !cell.ended) return running_cell(progress, width);
  return cell.ended ? ended_cell(cell.row, width) : ".";
}

template <typename Name>
std::vector<std::string> names_of(const std::vector<DemoCell>& cells, Name name) {
  std::vector<std::string> names;
  for (const DemoCell& cell : cells)
    if (std::find(names.begin(), names.end(), name(cell)) == names.end())
      names.push_back(name(cell));
  return names;
}

// "A gpt2 clm" where there is room for that everywhere, else "A".
std::vector<std::string> scenario_titles(const std::vector<DemoCell>& cells, std::size_t width) {
  const auto whole = names_of(cells, [](const DemoCell& cell) {
    return concat(cell.spec.scenario, " ", to_string(cell.spec.model.architecture), " ",
                  to_string(cell.spec.objective));
  });
  const bool fits = std::all_of(whole.begin(), whole.end(),
                                [&](const std::string& title) { return title.size() <= width; });
  return fits ? whole : names_of(cells, [](const DemoCell& cell) { return cell.spec.scenario; });
}

std::vector<std::string> matrix(const DemoProgress& progress, std::size_t width) {
  const auto policy = [](const DemoCell& cell) { return cell.spec.policy.name; };
  const std::vector<std::string> policies = names_of(progress.cells, policy);
  std::size_t first_column = 0;
  for (const std::string& name : policies)
    first_column = std::max(first_column, width_of(name));
  const std::size_t scenarios = scenario_titles(progress.cells, 0).size();
  const std::size_t room = (std::max(width, first_column) - first_column) / scenarios;
  const std::size_t column = std::clamp<std::size_t>(room, kShort + 1, kWithRate + 2) - 1;

  const auto padded = [](const std::string& text, std::size_t to) {
    return text + std::string(to - std::min(to, width_of(text)), ' ');
  };
  std::vector<std::string> lines = {padded("", first_column)};
  for (const std::string& name : policies)
    lines.push_back(padded(name, first_column));
  for (const std::string& title : scenario_titles(progress.cells, column))
    lines[0] += concat(" ", padded(title, column));
  for (const DemoCell& cell : progress.cells) {
    const auto place = std::find(policies.begin(), policies.end(), policy(cell));
    const auto line = static_cast<std::size_t>(place - policies.begin());
    lines[line + 1] += concat(" ", padded(cut(cell_text(progress, cell, column), column), column));
  }
  return lines;
}

std::string running_line(const DemoProgress& progress) {
  if (progress.running == nullptr) return "";
  std::string line = progress.running->name() + ": ";
  if (progress.stopping) return line + "saving a checkpoint; Ctrl-C again stops it at once";
  if (!progress.step) return line + "starting";
  const std::int64_t steps = progress.running->spec.train.steps;
  const std::int64_t left = steps - progress.step->done;
  line += concat("step ", progress.step->done, "/", steps, ", loss ", fixed(progress.step->loss, 4),
                 ", ", fixed(progress.step->samples_per_s, 1), " samples/s, ");
  if (left <= 0) return line + "validating";
  return concat(line, "ETA ", human_seconds(static_cast<double>(left) * progress.step->seconds));
}

std::string whole_line(const DemoProgress& progress) {
  std::string line = concat(progress.ended(), " of ", progress.cells.size(), " cells done");
  if (progress.left_s) line += concat(", ETA ", human_seconds(*progress.left_s));
  return line + "; Ctrl-C stops, the same command resumes";
}

}  // namespace

std::vector<std::string> demo_screen(const DemoProgress& progress, std::size_t width) {
  std::vector<std::string> lines = matrix(progress, width);
  lines.emplace_back();
  lines.push_back(running_line(progress));
  lines.push_back(whole_line(progress));
  for (std::string& line : lines)
    line = cut(line, width);
  return lines;
}

}  // namespace dtbench
