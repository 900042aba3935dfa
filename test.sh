#!/usr/bin/env bash
# Sets up, builds and runs every check and test; ends with ctest's summary.
#
#   ./test.sh         formatting, compiler warnings, shellcheck, clang-tidy, all tests
#   ./test.sh --asan  the C++ tests under the address and undefined-behaviour sanitizers
set -u

self=$(readlink -f -- "${BASH_SOURCE[0]}")
root=${self%/*}
# shellcheck source=scripts/setup.sh
source "$root/scripts/setup.sh"

preset="test"
case $#:${1-} in
  0:) ;;
  1:--asan) preset=asan ;;
  1:-h | 1:--help) sed -n '2,/^set/s/^# \{0,1\}//p' "$self" && exit ;;
  *) fail 2 "unknown arguments: $*" "Usage: ./test.sh [--asan]" ;;
esac

begin
need_python=yes
set_up_build whole "$root/requirements/"{apt,apt-test,apt-bench}.txt
find_arrow
find_plotly
make_test_venv
cd "$root" || exit

# Sources that git knows or would add.
sources() { git ls-files -z --cached --others --exclude-standard -- "$@"; }

check_format() {
  sources '*.h' '*.cpp' '*.cu' '*.cuh' '*.js' | xargs -0 -r "$venv/bin/clang-format" --dry-run -Werror
}
check_scripts() {
  grep -rlIE '^#!/usr/bin/env bash|^# shellcheck shell=bash' dtbench test.sh .ci scripts bench |
    xargs -r "$venv/bin/shellcheck" --external-sources
}
say "checking formatting and shell scripts"
require 4 "formatting differs" "Run: $venv/bin/clang-format -i FILE" check_format
require 4 "shellcheck found errors" "The lines above show where." check_scripts

folder=$root/build/$preset
if [[ $preset == test ]]; then
  find_cuda always
  configure test '' -DDTBENCH_TEST_PYTHON="$venv/bin/python" -DDTBENCH_BENCH=ON \
    -DDTBENCH_CUDA="$cuda" -DDTBENCH_CUDA_ARCHITECTURES="$cuda_architectures"
  build "$folder"
  say "checking with clang-tidy"
  require 4 "clang-tidy found errors" "The lines above show where." \
    "$venv/bin/python" scripts/tidy.py --jobs "$(build_jobs)" --passed "$cache/tidy" "$folder"
else
  configure asan '' -DDTBENCH_TEST_PYTHON="$venv/bin/python"
  build "$folder"
fi

end
[[ $preset == test ]] && say "comparisons with Transformers and torch go to $folder/parity_report.txt"
ctest --preset "$preset" -j2
