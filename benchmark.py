#!/usr/bin/env python3
"""Trains one cell: the flags of `dtbench benchmark`, which this script becomes.

    python3 benchmark.py --model_arch gpt2 --task multi_cls --dtype_config amp_fp16 \\
        --batch_size 32 --max_steps 1000

Exit code, output and Ctrl-C are that program's own.
"""

import os
import pathlib
import sys

launcher = pathlib.Path(__file__).resolve().parent / "dtbench"
try:
    os.execv(launcher, [str(launcher), "benchmark", *sys.argv[1:]])
except OSError as error:
    print(f"error: Cannot execute '{launcher}': {error.strerror}.\n"
          "  try: Keep benchmark.py in the same folder as dtbench.", file=sys.stderr)
    sys.exit(4)
