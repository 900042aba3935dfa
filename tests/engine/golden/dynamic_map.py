"""Writes dynamic_map.json: bitsandbytes' tables of 8-bit numbers, as the bits of fp32 values.

    python -m venv v && v/bin/pip install torch==2.11.0 bitsandbytes==0.49.0 numpy
    v/bin/python dynamic_map.py

torch's linspace, which the tables are made with, rounds by the processor's instruction set; these
are an AVX2 or AVX-512 machine's."""

import json
import pathlib

import torch
from bitsandbytes.functional import create_dynamic_map

tables = {
    name: create_dynamic_map(signed=signed).view(torch.int32).to(torch.int64) & 0xFFFFFFFF
    for name, signed in (("signed", True), ("unsigned", False))
}
rows = ",\n".join(f'"{name}": {json.dumps(table.tolist())}' for name, table in tables.items())
pathlib.Path(__file__).with_suffix(".json").write_text(f"{{{rows}}}\n", encoding="utf-8")
