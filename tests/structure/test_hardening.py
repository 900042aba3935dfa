"""The programs and plug-ins that were built are hardened (cmake/CompileFlags.cmake), as their ELF
files show."""

import os
import pathlib
import re
import subprocess

import pytest

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
PROGRAMS = [BIN / name for name in ("dtbench", "dtbench-engine") if (BIN / name).exists()]
BUILT = PROGRAMS + sorted(BIN.glob("libdtbench_*.so"))


def readelf(what, file):
    return subprocess.run(["readelf", "-W", what, file], check=True, capture_output=True, text=True,
                          env=os.environ | {"LC_ALL": "C"}).stdout


def missing(file):
    """What a hardened program has and this file has not. Fortified calls of libc end in _chk."""
    imported = re.findall(r" UND (\w+)@", readelf("--dyn-syms", file))
    found = {"position-independent code": "DYN (" in readelf("-h", file),
             "BIND_NOW": "NOW" in readelf("-d", file),
             "GNU_RELRO": "GNU_RELRO" in readelf("-l", file),
             "stack protector": "__stack_chk_fail" in imported,
             "FORTIFY": any(name.endswith("_chk") for name in imported)}
    return {name for name, there in found.items() if not there}


@pytest.mark.parametrize("file", BUILT, ids=lambda file: file.name)
def test_built_file_is_hardened(file):
    # A plug-in need not call anything that FORTIFY knows.
    assert missing(file) - (set() if file in PROGRAMS else {"FORTIFY"}) == set()


def test_there_is_something_to_look_at():
    assert PROGRAMS


SOURCE = """#include <stdio.h>
#include <string.h>
int main(int count, char** words) {
  char text[16];
  strcpy(text, words[count - 1]);
  return puts(text) < 0;
}
"""


def compiled(folder, *flags):
    (folder / "program.c").write_text(SOURCE)
    subprocess.run(["cc", "-O2", *flags, "-o", folder / "program", folder / "program.c"], check=True)
    return folder / "program"


def test_a_plain_program_lacks_all(tmp_path):
    plain = compiled(tmp_path, "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-no-pie", "-fno-pie",
                     "-Wl,-z,norelro,-z,lazy")
    assert missing(plain) == {"position-independent code", "BIND_NOW", "GNU_RELRO",
                              "stack protector", "FORTIFY"}


def test_each_is_seen_alone(tmp_path):
    hardened = ["-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-pie",
                "-fPIE", "-Wl,-z,relro,-z,now"]
    assert missing(compiled(tmp_path, *hardened)) == set()
    assert missing(compiled(tmp_path, *hardened, "-Wl,-z,lazy")) == {"BIND_NOW"}
    assert missing(compiled(tmp_path, *hardened, "-fno-stack-protector")) == {"stack protector"}
    assert missing(compiled(tmp_path, *hardened, "-U_FORTIFY_SOURCE")) == {"FORTIFY"}
