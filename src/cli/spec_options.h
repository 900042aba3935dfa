// The flags that say which cell: shared by run, benchmark and data prepare.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "config/resolve.h"

namespace dtbench {

struct SpecFlag {
  const char* flag;
  const char* key;  // of the run spec
  const char* help;
};

class SpecOptions {
 public:
  // --config and --set, and a flag for each of `flags`. This object must outlive `command`.
  void add_to(CLI::App& command, const std::vector<SpecFlag>& flags);
  void add_scenario(CLI::App& command);
  void add_policy(CLI::App& command);
  void add_preset(CLI::App& command);

  // What was given; the environment's settings besides.
  ResolveRequest request() const;

  std::string scenario, policy, preset;

 private:
  struct Given {
    SpecFlag flag;
    const CLI::Option* option;
    std::string value;
  };
  std::vector<Given> given_;
  std::string file_;
  std::vector<std::string> set_;
};

// What a cell is made of. `run` and the specification's `benchmark` differ in how they spell it.
enum class Spelling { kRun, kSpecification };
std::vector<SpecFlag> cell_flags(Spelling spelling);

// Which files the data is in; and besides, how long a sequence is: what `data prepare` needs.
std::vector<SpecFlag> data_file_flags();
std::vector<SpecFlag> data_flags();

// The scenarios and presets there are, for the foot of a help text.
std::string scenarios_and_presets();

}  // namespace dtbench
