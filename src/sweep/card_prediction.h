// How long cells will take on a card that is not here, from records that another card made.
//
// A step has three parts, each scaled by what it is bound by, with the figures of hardware.toml:
//   matrix products: FLOPs over the rate that the other card reached, times the ratio of peaks;
//   the update of the weights: bytes over the bandwidth, times the ratio of bandwidths;
//   the rest of the measured step (activations, normalisation, softmax, launches): by tokens x
//     layers x width, times the ratio of bandwidths.
// Starting and ending take the seconds that they took there. A cell that may die early is predicted
// as if it came to its last step.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/model_shape.h"
#include "hardware/spec_sheet.h"
#include "sweep/prediction.h"

namespace dtbench {

struct CardPrediction {
  CellTime time;
  std::string rests_on;  // the record's scenario, policy and card
};

class CardPredictor {
 public:
  // Throws Error (usage): a card that hardware.toml does not have, with the names that it has; and
  // no record of a card with a data sheet below `folders`.
  CardPredictor(const std::filesystem::path& configs, const std::string& card,
                const std::vector<std::filesystem::path>& folders);

  // From the record that is most like the cell: its scenario before its policy before its model.
  // Nothing where no record's products have the cell's datatype.
  std::optional<CardPrediction> predict(const RunSpec& spec) const;

  // "36 records of NVIDIA H100 80GB HBM3".
  std::string records() const;

 private:
  struct Source {
    RunSpec spec;
    std::string card;
    SpecSheet sheet;
    ModelShape shape;
    CellTime time;
    double flops = 0;        // needed by a step
    double flops_per_s = 0;  // that its products reached by themselves
    std::string name;        // "A amp_bf16 of NVIDIA H100 80GB HBM3"
  };

  std::optional<Source> source_of(const RunRecord& record) const;
  CardPrediction from(const Source& source, const RunSpec& spec) const;

  std::filesystem::path configs_;
  std::string card_;
  SpecSheet sheet_;
  std::vector<Source> sources_;
};

// The records that come with the program: those of an H100 (docs/results).
std::filesystem::path shipped_records(const std::filesystem::path& configs);

}  // namespace dtbench
