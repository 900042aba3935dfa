#include "engine/telemetry/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <iostream>

#include "base/clock.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::string fixed(const char* format, double value) {
  if (std::isnan(value)) return "nan";  // printf tells a NaN's sign, which means nothing
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

Progress::Progress(std::int64_t first_step, std::int64_t steps)
    : first_step_(first_step), steps_(steps), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::on_step(const StepEvent& event) {
  const std::int64_t done = event.step + 1;
  const double now = steady_seconds();
  // Counted from the first step's start, so that the evaluation before it does not distort the ETA.
  if (event.step == first_step_) started_ = now - event.seconds;
  // Often enough to see it move; seldom enough not to fill a log. The last step is always told.
  const double interval = terminal_ ? 0.1 : 10.0;
  if (done < steps_ && now - last_shown_ < interval) return;
  last_shown_ = now;
  const double each = (now - started_) / static_cast<double>(done - first_step_);
  const double rate = static_cast<double>(event.samples) / event.seconds;
  const std::string text =
      concat("step ", done, "/", steps_, "  loss ", fixed("%.4f", event.loss), "  ",
             fixed("%.1f", rate), " samples/s  ", fixed("%.0f", event.seconds * 1e3), " ms  ETA ",
             human_seconds(each * static_cast<double>(steps_ - done)));
  if (!terminal_) return line(text);
  std::cerr << '\r' << text << "\033[K" << std::flush;
  rewriting_ = true;
  if (done == steps_) end_rewritten_line();
}

void Progress::on_evaluation(std::int64_t step, const Evaluation& evaluation, double) {
  std::string text = concat("validation at step ", step, ": loss ", fixed("%.4f", evaluation.loss));
  if (evaluation.accuracy) text += concat(", accuracy ", fixed("%.4f", *evaluation.accuracy));
  if (evaluation.average_precision_micro)
    text += concat(", average precision ", fixed("%.4f", *evaluation.average_precision_micro));
  if (evaluation.f1_micro) text += concat(", F1 micro ", fixed("%.4f", *evaluation.f1_micro));
  if (evaluation.f1_macro) text += concat(", F1 macro ", fixed("%.4f", *evaluation.f1_macro));
  line(text);
}

void Progress::on_nonfinite(const NonFiniteEvent& event) {
  const std::string module = event.module.empty() ? "" : concat(" in ", event.module);
  const std::string origin =
      event.operation.empty() ? "" : concat(", first from ", event.operation, module);
  line(concat("first non-finite value at step ", event.step, ": ", to_string(event.kind), " in ",
              event.tensor, origin, " (", to_string(event.phase), ")"));
}

void Progress::line(const std::string& text) {
  end_rewritten_line();
  std::cerr << text << '\n';
}

void Progress::end_rewritten_line() {
  if (rewriting_) std::cerr << '\n';
  rewriting_ = false;
}

}  // namespace dtbench
