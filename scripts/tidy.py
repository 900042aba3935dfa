#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a build folder, skipping those that passed unchanged.

A source passed before if its own text, the project headers it includes (as ninja recorded them),
its compile command, .clang-tidy and clang-tidy's version are what they were: their hash is the name
of an empty file in the folder that --passed names, which clones may share, since paths below the
clone do not enter it.

The precompiled header is left out: without it most sources parse in half the time, and a source
that lacks an include of its own is found.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def included_headers(folder):
    """The project's files that each object was built from: {object: [path]}."""
    text = subprocess.run(["ninja", "-C", folder, "-t", "deps"], check=True, capture_output=True,
                          text=True).stdout
    headers = {}
    for block in text.split("\n\n"):
        target, *paths = block.splitlines() or [""]
        paths = [(folder / path.strip()).resolve() for path in paths]
        headers[target.split(":")[0]] = sorted(p for p in paths if p.is_relative_to(ROOT))
    return headers


def key_of(entry, headers, version):
    digest = hashlib.sha256(version + entry["command"].replace(str(ROOT), "").encode())
    target = re.search(r" -o (\S+)", entry["command"])[1]
    for path in [pathlib.Path(entry["file"]), *headers.get(target, []),
                 ROOT / ".clang-tidy"]:
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
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

    headers = included_headers(folder)
    todo = {}
    entries = json.loads((folder / "compile_commands.json").read_text())
    for entry in entries:
        entry["command"] = re.sub(r"-Winvalid-pch -include \S+", "", entry["command"])
    (folder / "tidy" / "compile_commands.json").write_text(json.dumps(entries))
    for entry in entries:
        source = pathlib.Path(entry["file"])
        if source.suffix == ".cpp" and source.is_relative_to(ROOT) and folder not in source.parents:
            stamp = passed / key_of(entry, headers, version)
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
