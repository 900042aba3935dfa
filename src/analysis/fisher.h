// Fisher's exact test of a 2 x 2 table.
#pragma once

#include "analysis/proportions.h"

namespace dtbench {

// Two-sided, by the rule of SciPy and R: the probability, margins given, of all tables that are no
// likelier than this one.
double fisher_exact(Proportion first, Proportion second);

}  // namespace dtbench
