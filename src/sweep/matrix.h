// A matrix of cells: scenarios x policies x seeds x axes of settings, from a file or a command
// line.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/resolve.h"

namespace dtbench {

// Values of one setting, each making cells of its own.
struct Axis {
  std::string key;
  std::vector<std::string> values;
  std::string origin;  // file or flag, for messages
};

// A whole product. A matrix is the union of its parts, for what is no product: scenarios whose
// settings differ, controls that belong to some scenarios only.
struct MatrixPart {
  std::vector<std::string> scenarios, policies;   // empty: the six, and kDefaultPolicies
  std::optional<std::vector<std::string>> seeds;  // none: the one that the settings say
  std::vector<Setting> settings;                  // below the environment and the command line
  std::vector<Axis> axes;
};

struct Matrix {
  std::string description, preset;
  std::vector<MatrixPart> parts;
  std::size_t rotation = 0;  // how many policies of its list the first scenario skips
};

// A file of configs/matrices by its name, or any .toml file by its path (docs/matrix.md). Throws
// Error (usage) for unknown keys, with the nearest, and for values of the wrong kind.
Matrix read_matrix(const std::filesystem::path& configs, const std::string& name_or_path);

// "5": the seeds 0 to 4. Throws Error (usage) unless it is a number from 1 to 10,000.
std::vector<std::string> seeds_from_count(const std::string& count, const std::string& origin);

// Takes the settings "KEY=V1,V2" out of a command line: they are axes.
std::vector<Axis> take_axes(std::vector<Setting>& command_line);

struct MatrixCell {
  RunSpec spec;
  std::string name;       // "A fp32_true seed 0 learning_rate=0.003"
  std::size_t round = 0;  // cells of the same round come before those of the next
};

// The cells, each once, in the order in which they are to run: round by round (a round is one seed
// of everything), and within one the policies of a scenario next to each other, beginning with
// another policy in each scenario, round and choice of axes. So what drifts with time (clocks,
// heat, load) falls on all policies alike, and every scenario x policy has its first seed before
// any has its second. `request` holds what they have in common. Throws Error as resolve does, and
// for a part of more than 100,000 cells.
std::vector<MatrixCell> matrix_cells(const Matrix& matrix, const ResolveRequest& request);

}  // namespace dtbench
