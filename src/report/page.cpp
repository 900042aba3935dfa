#include "report/page.h"

// Puts a file's bytes between two symbols, as the assembler does it: a string literal of megabytes
// would take the compiler minutes.
#define DTBENCH_EMBED(name, file)                                      \
  __asm__(                                                             \
      ".pushsection .rodata\n"                                         \
      ".global dtbench_" #name "_begin\n.global dtbench_" #name        \
      "_end\n"                                                         \
      "dtbench_" #name "_begin:\n.incbin \"" file "\"\ndtbench_" #name \
      "_end:\n.byte 0\n"                                               \
      ".popsection\n");                                                \
  extern "C" const char dtbench_##name##_begin[], dtbench_##name##_end[]

DTBENCH_EMBED(page, DTBENCH_PAGE "/report.html");
DTBENCH_EMBED(style, DTBENCH_PAGE "/style.css");
DTBENCH_EMBED(base, DTBENCH_PAGE "/base.js");
DTBENCH_EMBED(matrix, DTBENCH_PAGE "/matrix.js");
DTBENCH_EMBED(drawing, DTBENCH_PAGE "/drawing.js");
DTBENCH_EMBED(step_figures, DTBENCH_PAGE "/step_figures.js");
DTBENCH_EMBED(difference_figure, DTBENCH_PAGE "/difference_figure.js");
DTBENCH_EMBED(policy_figures, DTBENCH_PAGE "/policy_figures.js");
DTBENCH_EMBED(profile_figure, DTBENCH_PAGE "/profile_figure.js");
DTBENCH_EMBED(health_figure, DTBENCH_PAGE "/health_figure.js");
DTBENCH_EMBED(share_figures, DTBENCH_PAGE "/share_figures.js");
DTBENCH_EMBED(target_figure, DTBENCH_PAGE "/target_figure.js");
DTBENCH_EMBED(figures, DTBENCH_PAGE "/figures.js");
DTBENCH_EMBED(rates, DTBENCH_PAGE "/rates.js");
DTBENCH_EMBED(explanation, DTBENCH_PAGE "/explanation.js");
DTBENCH_EMBED(cells, DTBENCH_PAGE "/cells.js");
DTBENCH_EMBED(main, DTBENCH_PAGE "/main.js");
DTBENCH_EMBED(plotly, DTBENCH_PLOT_LIBRARY);

#define DTBENCH_EMBEDDED(name)             \
  std::string_view(dtbench_##name##_begin, \
                   static_cast<std::size_t>(dtbench_##name##_end - dtbench_##name##_begin))

namespace dtbench {

std::string_view page_template() {
  return DTBENCH_EMBEDDED(page);
}

std::string_view page_style() {
  return DTBENCH_EMBEDDED(style);
}

std::vector<std::string_view> page_scripts() {
  return {DTBENCH_EMBEDDED(base),
          DTBENCH_EMBEDDED(matrix),
          DTBENCH_EMBEDDED(drawing),
          DTBENCH_EMBEDDED(step_figures),
          DTBENCH_EMBEDDED(difference_figure),
          DTBENCH_EMBEDDED(policy_figures),
          DTBENCH_EMBEDDED(profile_figure),
          DTBENCH_EMBEDDED(health_figure),
          DTBENCH_EMBEDDED(share_figures),
          DTBENCH_EMBEDDED(target_figure),
          DTBENCH_EMBEDDED(figures),
          DTBENCH_EMBEDDED(rates),
          DTBENCH_EMBEDDED(explanation),
          DTBENCH_EMBEDDED(cells),
          DTBENCH_EMBEDDED(main)};
}

std::string_view plot_library() {
  return DTBENCH_EMBEDDED(plotly);
}

}  // namespace dtbench
