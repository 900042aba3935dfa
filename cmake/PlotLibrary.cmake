# The plots of reports are drawn by Plotly.js, which reports carry in themselves; plotly's wheel
# brings it (requirements/plotly.txt).
set(DTBENCH_PLOTLY_JS "" CACHE FILEPATH
  "plotly.min.js of a plotly package; empty: reports without plots, which say so")

if(NOT DTBENCH_PLOTLY_JS)
  message(STATUS "Without DTBENCH_PLOTLY_JS: reports have no plots")
  set(DTBENCH_PLOT_LIBRARY ${PROJECT_BINARY_DIR}/no-plot-library.js)
  file(TOUCH ${DTBENCH_PLOT_LIBRARY})
elseif(EXISTS "${DTBENCH_PLOTLY_JS}")
  set(DTBENCH_PLOT_LIBRARY ${DTBENCH_PLOTLY_JS})
else()
  message(FATAL_ERROR "DTBENCH_PLOTLY_JS must be the plotly.min.js of an installed plotly package, "
    "got '${DTBENCH_PLOTLY_JS}'. Run ./dtbench, which installs one, or leave it empty to build "
    "reports without plots.")
endif()
