// Every policy against `fp32_true`, setting by setting. The JSON's fields: docs/analysis.md.
#pragma once

#include "analysis/loss_curves.h"
#include "analysis/pairing.h"

namespace dtbench {

Json compare(const SettingTrials& setting, LossCurves& curves);

}  // namespace dtbench
