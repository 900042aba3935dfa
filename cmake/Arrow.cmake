# Arrow C++ and Parquet from a pyarrow wheel, which brings headers and libraries but no CMake files.
# Their names end in the release: libarrow.so.2600.
set(DTBENCH_ARROW_DIR "" CACHE PATH
  "The pyarrow package's folder (holds include/ and libarrow.so.*); empty: no Parquet reader")

if(NOT DTBENCH_ARROW_DIR)
  message(STATUS "Without DTBENCH_ARROW_DIR: Parquet files cannot be read")
  return()
endif()

file(GLOB _arrow "${DTBENCH_ARROW_DIR}/libarrow.so.*")
file(GLOB _parquet "${DTBENCH_ARROW_DIR}/libparquet.so.*")
list(LENGTH _arrow _arrow_count)
list(LENGTH _parquet _parquet_count)
if(NOT _arrow_count EQUAL 1 OR NOT _parquet_count EQUAL 1
   OR NOT EXISTS "${DTBENCH_ARROW_DIR}/include/parquet/arrow/reader.h")
  message(FATAL_ERROR "DTBENCH_ARROW_DIR must be the folder of an installed pyarrow package (with "
    "include/, one libarrow.so.* and one libparquet.so.*), got '${DTBENCH_ARROW_DIR}'. Run "
    "./dtbench, which installs one, or leave it empty to build without the Parquet reader.")
endif()

add_library(arrow_sdk INTERFACE)
target_include_directories(arrow_sdk SYSTEM INTERFACE ${DTBENCH_ARROW_DIR}/include)
target_link_libraries(arrow_sdk INTERFACE ${_parquet} ${_arrow})
