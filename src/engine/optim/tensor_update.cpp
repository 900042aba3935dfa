#include "engine/optim/tensor_update.h"

namespace dtbench {

UpdateCounts& UpdateCounts::operator+=(const UpdateCounts& other) {
  elements += other.elements;
  lost_weight_updates += other.lost_weight_updates;
  lost_v_updates += other.lost_v_updates;
  zero_point_hits += other.zero_point_hits;
  eight_bit_elements += other.eight_bit_elements;
  return *this;
}

}  // namespace dtbench
