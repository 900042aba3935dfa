#include "sweep/matrix.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "config/config_files.h"
#include "config/fields.h"
#include "config/settings.h"
#include "config/study_policies.h"

namespace dtbench {
namespace {

using Names = std::vector<std::string>;

const Names& or_else(const Names& given, const Names& otherwise) {
  return given.empty() ? otherwise : given;
}

constexpr std::size_t kMostCells = 100'000;

// Before it is made: a few axes more, and it would not fit into any memory.
void require_bounded(const MatrixPart& part, std::size_t scenarios, std::size_t policies) {
  double cells = static_cast<double>(scenarios) * static_cast<double>(policies);
  std::string product = concat(scenarios, " scenarios x ", policies, " policies");
  const auto times = [&](std::size_t count, const std::string& what) {
    cells *= static_cast<double>(count);
    product += concat(" x ", count, " ", what);
  };
  if (part.seeds) times(part.seeds->size(), "seeds");
  for (const Axis& axis : part.axes)
    times(axis.values.size(), concat("values of ", axis.key));
  if (cells > kMostCells)
    throw usage_error(concat("A matrix has at most ", kMostCells, " cells; this one would have ",
                             formatted("%.6g", cells), ": ", product, "."),
                      "Leave out values, or train it in parts, each a matrix in the same folder.");
}

// One choice of a value for each axis.
std::vector<std::vector<Setting>> combinations(const std::vector<Axis>& axes) {
  std::vector<std::vector<Setting>> all = {{}};
  for (const Axis& axis : axes) {
    std::vector<std::vector<Setting>> longer;
    for (const std::vector<Setting>& chosen : all)
      for (const std::string& value : axis.values) {
        longer.push_back(chosen);
        longer.back().push_back({axis.key, value, axis.origin});
      }
    all = std::move(longer);
  }
  return all;
}

std::string choice_text(const Setting& setting) {
  return concat(" ", setting.key.substr(setting.key.rfind('.') + 1), "=", setting.value);
}

std::string name_of(const RunSpec& spec, const std::vector<Setting>& choice) {
  std::string name = concat(spec.scenario, " ", spec.policy.name, " seed ", spec.seed);
  for (const Setting& setting : choice)
    name += choice_text(setting);
  return name;
}

struct CellOfPart {
  MatrixCell cell;
  const MatrixPart* part;
};

bool sets(const MatrixPart& part, const Setting& setting) {
  return std::any_of(part.settings.begin(), part.settings.end(), [&](const Setting& its) {
    return its.key == setting.key && its.value == setting.value;
  });
}

// Cells of several parts may have the same scenario, policy, seed and choices: what only some of
// those parts set goes into the name.
void tell_apart(std::vector<CellOfPart>& cells) {
  std::map<std::string, std::set<const MatrixPart*>> parts;
  for (const CellOfPart& one : cells)
    parts[one.cell.name].insert(one.part);
  for (CellOfPart& one : cells) {
    const std::set<const MatrixPart*>& alike = parts.at(one.cell.name);
    for (const Setting& setting : one.part->settings)
      if (!std::all_of(alike.begin(), alike.end(),
                       [&](const MatrixPart* part) { return sets(*part, setting); }))
        one.cell.name += choice_text(setting);
  }
}

// Scenarios in the order in which the matrix comes to them, over all of its parts.
using Places = std::map<std::string, std::size_t>;

// The cells of a part, appended.
class Expansion {
 public:
  Expansion(const MatrixPart& part, ResolveRequest request, Places& places)
      : part_(part),
        common_(std::move(request)),
        places_(places),
        scenarios_(or_else(part.scenarios, config_names(common_.configs, ConfigKind::kScenario))),
        policies_(or_else(part.policies, {kDefaultPolicies.begin(), kDefaultPolicies.end()})) {
    require_bounded(part, scenarios_.size(), policies_.size());
    // Below the environment, and so before it.
    common_.environment.insert(common_.environment.begin(), part.settings.begin(),
                               part.settings.end());
  }

  // `first`: how many policies of its list the first scenario skips.
  void append_to(std::vector<CellOfPart>& cells, std::size_t first) const {
    if (!part_.seeds) return append_round(0, first, {}, cells);
    for (std::size_t round = 0; round < part_.seeds->size(); ++round)
      append_round(round, first + round, {{"seed", part_.seeds->at(round), "seeds"}}, cells);
  }

 private:
  void append_round(std::size_t round, std::size_t first, const std::vector<Setting>& seed,
                    std::vector<CellOfPart>& cells) const {
    for (const std::vector<Setting>& choice : combinations(part_.axes)) {
      for (const std::string& scenario : scenarios_) {
        const std::size_t place = places_.try_emplace(scenario, places_.size()).first->second;
        for (std::size_t j = 0; j < policies_.size(); ++j) {
          ResolveRequest request = common_;
          request.scenario = scenario;
          request.policy = policies_[(first + place + j) % policies_.size()];
          for (const std::vector<Setting>* settings : {&seed, &choice})
            request.command_line.insert(request.command_line.end(), settings->begin(),
                                        settings->end());
          RunSpec spec = resolve(request);
          std::string name = name_of(spec, choice);
          cells.push_back({{std::move(spec), std::move(name), round}, &part_});
        }
      }
      ++first;
    }
  }

  const MatrixPart& part_;
  ResolveRequest common_;
  Places& places_;
  const Names scenarios_, policies_;
};

}  // namespace

std::vector<std::string> seeds_from_count(const std::string& count, const std::string& origin) {
  constexpr int kMost = 10'000;
  int number = 0;
  const auto [rest, error] = std::from_chars(count.data(), count.data() + count.size(), number);
  if (error != std::errc() || rest != count.data() + count.size() || number < 1 || number > kMost)
    throw wrong_value({"seeds", origin}, concat("a number of seeds from 1 to ", kMost), count);
  Names seeds;
  for (int seed = 0; seed < number; ++seed)
    seeds.push_back(std::to_string(seed));
  return seeds;
}

std::vector<Axis> take_axes(std::vector<Setting>& command_line) {
  std::vector<Axis> axes;
  std::vector<Setting> rest;
  for (const Setting& setting : command_line) {
    const bool is_axis = setting.origin.starts_with("--set ") && !is_selector(setting.key) &&
                         setting.value.find(',') != std::string::npos;
    if (!is_axis) {
      rest.push_back(setting);
      continue;
    }
    Axis axis{setting.key, {}, setting.origin};
    std::istringstream values(setting.value + ",");
    for (std::string value; std::getline(values, value, ',');)
      axis.values.push_back(value);
    axes.push_back(std::move(axis));
  }
  command_line = std::move(rest);
  return axes;
}

std::vector<MatrixCell> matrix_cells(const Matrix& matrix, const ResolveRequest& request) {
  ResolveRequest common = request;
  if (common.preset.empty()) common.preset = matrix.preset;
  std::vector<CellOfPart> all, once;
  Places places;
  for (const MatrixPart& part : matrix.parts) {
    Expansion(part, common, places).append_to(all, matrix.rotation);
    if (all.size() > kMostCells)
      throw usage_error(concat("A matrix has at most ", kMostCells, " cells; the first parts of ",
                               "this one have ", all.size(), "."),
                        "Train it in several, in the same folder.");
  }
  std::map<std::size_t, std::vector<CellOfPart>> rounds;
  for (CellOfPart& one : all)
    rounds[one.cell.round].push_back(std::move(one));
  std::set<std::string> ids;
  for (auto& [round, cells] : rounds)
    for (CellOfPart& one : cells)
      if (ids.insert(cell_id(one.cell.spec)).second) once.push_back(std::move(one));
  tell_apart(once);
  std::vector<MatrixCell> cells;
  for (CellOfPart& one : once)
    cells.push_back(std::move(one.cell));
  return cells;
}

}  // namespace dtbench
