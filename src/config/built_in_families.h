// The families that come with the program. built_in_families.cpp puts them into the registry.
#pragma once

#include "config/model_family.h"

namespace dtbench {

ModelFamily describe_gpt2();     // gpt2_family.cpp
ModelFamily describe_roberta();  // roberta_family.cpp

}  // namespace dtbench
