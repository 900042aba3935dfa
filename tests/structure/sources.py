"""The folders of src/ in the order that CMake's files give them, and what stands in them."""

import os
import re
from pathlib import Path

SOURCE = Path(os.environ["DTBENCH_SOURCE"]) / "src"
ADDED = re.compile(r"^\s*(?:add_subdirectory\((\w+)\)|include\((\w+)/\w+\.cmake\))", re.MULTILINE)
SUFFIXES = (".h", ".cpp", ".cu", ".cuh")


def folders(source=SOURCE):
    """Bottom first, the engine's own among them: ["base", ..., "engine/numerics", ...]."""
    order = []
    for added in ADDED.finditer((source / "CMakeLists.txt").read_text()):
        name = added.group(1)
        inner = source / name / "CMakeLists.txt"
        below = ADDED.finditer(inner.read_text()) if name == "engine" else []
        order += [f"{name}/{match.group(1) or match.group(2)}" for match in below] + [name]
    return order


def files(source, folder, suffixes=SUFFIXES):
    """Of the folder and of those below it that are no targets of their own."""
    targets = [other for other in folders(source) if other.startswith(folder + "/")]
    for path in sorted((source / folder).rglob("*")):
        own = not any(path.is_relative_to(source / target) for target in targets)
        if own and path.suffix in suffixes:
            yield path


def folder_of(path, source=SOURCE):
    """The longest target's name that the path lies in; None outside all."""
    relative = path.relative_to(source)
    inside = [name for name in folders(source) if relative.is_relative_to(name)]
    return max(inside, key=len, default=None)
