// The modules of a model that interventions make exceptions of, found in a pass of its own rather
// than listed by family.
#pragma once

#include <string>
#include <vector>

#include "engine/train/trainer.h"

namespace dtbench {

struct ModulePlaces {
  std::vector<std::string> layers;      // by layer: "transformer.h.0"
  std::vector<std::string> attentions;  // by layer, that of its scores: "transformer.h.0.attn"
  std::string trunk;                    // all but the head: "transformer"
  std::string head;                     // makes the logits: "lm_head"
};

ModulePlaces module_places(const Trainer& trainer);

}  // namespace dtbench
