#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a build folder, skipping those that passed unchanged.

Sources are checked in the groups in which they are compiled (unity build): reading torch's headers is
nearly all of the work, and a group of eight takes little longer than one source. A group passed before
if the text of its sources, the project headers they include, the compile command, .clang-tidy and
clang-tidy's version are what they were: their hash is the name of an empty file in the folder that
--passed names, which clones may share, since paths below the clone do not enter it.

The precompiled header is left out: without it most sources parse in half the time.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def is_group(file):
    return file.parent.name == "Unity"


@functools.cache
def included(path):
    """The project's files that `path` names in its #includes, as they are searched for: of a group, its
    sources."""
    names = re.findall(r'^#include "(.+)"', path.read_text(errors="replace"), re.MULTILINE)
    places = [path.parent, ROOT / "src", ROOT / "tests", ROOT]
    found = (next((place / name for place in places if (place / name).exists()), None) for name in names)
    return [header.resolve() for header in found if header]


def headers_of(source):
    """What it includes, and what that does."""
    found, todo = set(), [source]
    while todo:
        new = set(included(todo.pop())) - found
        found |= new
        todo += new
    return sorted(found)


def key_of(entry, version):
    digest = hashlib.sha256(version)
    source = pathlib.Path(entry["file"])
    digest.update(entry["command"].replace(str(ROOT), "").encode())
    for path in [source, *headers_of(source), ROOT / ".clang-tidy"]:
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        text = path.read_bytes().replace(str(ROOT).encode(), b"")
        digest.update(name.encode() + b"\0" + text + b"\0")
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="a ninja build folder, built")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--passed", type=pathlib.Path, required=True,
                        help="folder that remembers which sources passed")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    tidy = pathlib.Path(sys.executable).with_name("clang-tidy")
    passed = arguments.passed
    passed.mkdir(parents=True, exist_ok=True)
    (folder / "tidy").mkdir(exist_ok=True)
    version = subprocess.run([tidy, "--version"], check=True, stdout=subprocess.PIPE).stdout

    todo = {}  # source or group -> what says that it passed
    entries = json.loads((folder / "compile_commands.json").read_text())
    for entry in entries:
        # -Wno-subobject-linkage is gcc's alone, for groups.
        entry["command"] = re.sub(r"-Winvalid-pch -include \S+|-Wno-subobject-linkage", "", entry["command"])
    (folder / "tidy" / "compile_commands.json").write_text(json.dumps(entries))
    for entry in entries:
        source = pathlib.Path(entry["file"])
        own = source.suffix == ".cpp" and source.is_relative_to(ROOT) and folder not in source.parents
        if own or is_group(source):
            stamp = passed / key_of(entry, version)
            if not stamp.exists():
                todo.setdefault(source, stamp)

    def check(source):
        # clang-tidy comes without omp.h. What is deprecated the compiler reports; clang also finds
        # libstdc++'s own uses.
        command = [tidy, "--quiet", "-p", folder / "tidy", "--extra-arg=-fno-openmp",
                   "--extra-arg=-Wno-unknown-pragmas",
                   "--extra-arg=-Wno-deprecated-declarations", source]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    faults = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = {pool.submit(check, source): source for source in todo}
        for done, result in enumerate(concurrent.futures.as_completed(results), 1):
            source = results[result]
            print(f"[{done}/{len(todo)}] {source.relative_to(ROOT)}", flush=True)
            if result.result().returncode == 0:
                todo[source].touch()
            else:
                faults.append(result.result().stdout + result.result().stderr)
    print("".join(faults), end="")
    sys.exit(1 if faults else 0)


main()
