#!/usr/bin/env bash
# Runs the bundle on this machine: the engine's tests, what doctor finds, and the demo, on the GPU
# where torch sees one. Records and logs go to records/ (or the folder named as the argument).
#
#   PYTHON  a Python that has torch 2.9 or newer (default: python3)
set -u

here=$(dirname "$(readlink -f -- "${BASH_SOURCE[0]}")")
out=${1:-$here/records}
python=${PYTHON:-python3}

mkdir -p "$out" || exit 3
found=$("$python" -c '
import torch
cuda = torch.cuda.is_available()
print(torch.__path__[0], torch.__version__, "cuda" if cuda else "cpu",
      torch.cuda.get_device_name() if cuda else "no GPU that torch can use", sep="\n")') || {
  echo "error: '$python' cannot import torch; name one that can: PYTHON=/path/to/python $0" >&2
  exit 2
}
{ read -r torch && read -r version && read -r device && read -r name; } <<<"$found"
{
  cat "$here/VERSION"
  echo "running on torch $version, device $device ($name)"
} | tee "$out/environment.txt"

export LD_LIBRARY_PATH=$here/lib:$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export DTBENCH_CACHE=$here/cache DTBENCH_SOURCE=$here DTBENCH_BIN=$here/bin

failed=0
"$here/bin/test_engine" --gtest_brief=1 --gtest_output="xml:$out/test_engine.xml" 2>&1 |
  tee "$out/test_engine.log"
((PIPESTATUS[0] == 0)) || failed=$((failed + 1))
# Its exit code says whether the study can run here, which is no failure of the bundle.
"$here/bin/dtbench" doctor --device "$device" | tee "$out/doctor.txt"
"$here/bin/dtbench" demo --device "$device" --out "$out/runs" || failed=$((failed + 1))
echo "$failed failed; records and logs: $out"
((failed == 0)) || exit 4
