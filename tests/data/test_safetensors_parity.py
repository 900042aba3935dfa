"""Our safetensors reader and writer against the Python package, both ways."""

import hashlib
import json
import os
import random
import subprocess

import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file

PROBE = os.path.join(os.environ["DTBENCH_BIN"], "safetensors_probe")

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu,
    "C64": torch.complex64,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
SHAPES = [(), (1,), (7,), (3, 5), (2, 3, 4), (0,), (4, 0, 2), (1, 1, 1, 1, 1)]


def random_tensor(dtype, shape, generator):
    """Any bit pattern, NaN payloads included; only 0 and 1 for bool."""
    count = torch.Size(shape).numel() * torch.empty(0, dtype=dtype).element_size()
    high = 2 if dtype == torch.bool else 256
    raw = torch.randint(0, high, (count,), dtype=torch.uint8, generator=generator)
    return raw.view(dtype).reshape(shape)


def sample_tensors(seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        f"layer.{position}.{name}": random_tensor(dtype, shape, generator)
        for name, dtype in DTYPES.items()
        for position, shape in enumerate(SHAPES)
    }


def raw_bytes(tensor):
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def describe(*paths):
    result = subprocess.run([PROBE, "describe", *map(str, paths)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def copy(source, target):
    subprocess.run([PROBE, "copy", str(source), str(target)], check=True)


def test_files_of_the_package_are_read_alike(tmp_path):
    tensors = sample_tensors(1)
    save_file(tensors, tmp_path / "theirs", metadata={"format": "pt", "note": "é\n\t\x1b\"\\"})
    [ours] = describe(tmp_path / "theirs")
    assert ours["metadata"] == {"format": "pt", "note": "é\n\t\x1b\"\\"}
    assert ours["tensors"].keys() == tensors.keys()
    names = {dtype: name for name, dtype in DTYPES.items()}
    for name, tensor in tensors.items():
        assert ours["tensors"][name] == {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "sha256": hashlib.sha256(raw_bytes(tensor)).hexdigest(),
        }


# The package writes several metadata keys in random order, so one key is what can be compared.
@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"é\n\x1b\x7f\"\\/": "\b\f\r\t€😀"}])
@pytest.mark.parametrize("seed", range(4))
def test_files_we_write_are_the_packages_byte_for_byte(tmp_path, metadata, seed):
    everything = sample_tensors(seed)
    chosen = random.Random(seed).sample(sorted(everything), 25)
    tensors = {name: everything[name] for name in chosen} | {'"é\x01/\\\x7f': torch.ones(3)}
    save_file(tensors, tmp_path / "theirs", metadata=metadata)
    copy(tmp_path / "theirs", tmp_path / "ours")
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_an_empty_file_is_the_packages(tmp_path):
    save_file({}, tmp_path / "theirs")
    copy(tmp_path / "theirs", tmp_path / "ours")
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_files_we_write_are_read_by_the_package(tmp_path):
    tensors = sample_tensors(2)
    metadata = {"format": "pt", "b": "2", "a": "1", "c": "é"}
    save_file(tensors, tmp_path / "theirs", metadata=metadata)
    copy(tmp_path / "theirs", tmp_path / "ours")
    loaded = load_file(tmp_path / "ours")
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert loaded[name].shape == tensor.shape
        assert raw_bytes(loaded[name]) == raw_bytes(tensor)
    with safetensors.safe_open(tmp_path / "ours", "pt") as opened:
        assert opened.metadata() == metadata


def mutate(content, rng):
    """One to three faults, most of them in the header."""
    content = bytearray(content)
    header = int.from_bytes(content[:8], "little")
    for _ in range(rng.randint(1, 3)):
        position = 8 + rng.randrange(header)
        if position >= len(content):
            break
        kind = rng.randrange(4)
        if kind == 0:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[position] = rng.choice(b"{}[]\",:0123456789-.eE \\")
        elif kind == 2:
            content[position] = rng.choice(b"0123456789")
        else:
            del content[rng.randrange(len(content)) :]
    return bytes(content)


def test_what_we_accept_the_package_reads_alike(tmp_path):
    """Never more lenient than the reference, and the same content where both accept."""
    tensors = {
        "a": torch.arange(4, dtype=torch.int64),
        "b": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "c": torch.zeros(0, 2),
        "d": torch.tensor(3.0, dtype=torch.bfloat16),
    }
    valid = safetensors.torch.save(tensors, metadata={"format": "pt"})
    rng = random.Random(7)
    paths = []
    for number in range(3000):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(mutate(valid, rng))
    accepted = 0
    for path, ours in zip(paths, describe(*paths), strict=True):
        if "error" in ours:
            continue
        accepted += 1
        theirs = {
            name: {
                "dtype": entry["dtype"],
                "shape": entry["shape"],
                "sha256": hashlib.sha256(entry["data"]).hexdigest(),
            }
            for name, entry in safetensors.deserialize(path.read_bytes())
        }
        assert ours["tensors"] == theirs
    assert 50 < accepted < 2950
