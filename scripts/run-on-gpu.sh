#!/usr/bin/env bash
# Runs the bundle on this machine: the engine's tests, then one small cell, on the GPU where torch
# sees one. Records and logs go to records/ (or the folder named as the argument).
#
#   PYTHON  a Python that has torch 2.9 or newer (default: python3)
set -u

here=$(dirname "$(readlink -f -- "${BASH_SOURCE[0]}")")
out=${1:-$here/records}
python=${PYTHON:-python3}

mkdir -p "$out" || exit 3
found=$("$python" -c '
import sys, torch
device = "cuda" if torch.cuda.is_available() else "cpu"
print(torch.__path__[0], torch.__version__, device, sep="\n")
if device == "cuda":
    print(torch.cuda.get_device_name(), torch.version.cuda, file=sys.stderr)') || {
  echo "error: '$python' cannot import torch; name one that can: PYTHON=/path/to/python $0" >&2
  exit 2
}
{ read -r torch && read -r version && read -r device; } <<<"$found"
{
  cat "$here/VERSION"
  echo "running on torch $version, device $device"
} | tee "$out/environment.txt"

export LD_LIBRARY_PATH=$here/lib:$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export DTBENCH_CACHE=$here/cache DTBENCH_SOURCE=$here DTBENCH_BIN=$here/bin

failed=0
for test in "$here"/tests/*; do
  [[ -x $test ]] || continue
  if "$test" >"$out/${test##*/}.log" 2>&1; then
    echo "passed ${test##*/}"
  else
    failed=$((failed + 1))
    tail -n 30 "$out/${test##*/}.log"
    echo "FAILED ${test##*/}"
  fi
done
"$here/bin/dtbench" run --scenario A --policy fp32_true --preset tiny --device "$device" \
  --out "$out/runs" || failed=$((failed + 1))
echo "$failed failed; records and logs: $out"
((failed == 0)) || exit 4
