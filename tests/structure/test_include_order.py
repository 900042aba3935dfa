"""Every target sees all of src/, so a header that needs no linking could be included against the
order of the folders. This holds includes to that order (src/CMakeLists.txt), and the files of a
folder to having no circle."""

import re

from sources import SOURCE, files, folder_of, folders

INCLUDE = re.compile(r'^\s*#\s*include ["<]([^">]+)[">]', re.MULTILINE)


def includes(path, source):
    """The files of src/ that it includes."""
    for name in INCLUDE.findall(path.read_text()):
        for place in (source / name, path.parent / name):
            if place.is_file() and place.resolve().is_relative_to(source.resolve()):
                yield source / place.resolve().relative_to(source.resolve())
                break


def against_the_order(source=SOURCE):
    order = folders(source)
    found = []
    for folder in order:
        for path in files(source, folder):
            for included in includes(path, source):
                other = folder_of(included, source)
                if order.index(other) > order.index(folder):
                    found.append(f"{path.relative_to(source)} includes {included.relative_to(source)}")
    return found


def unit_of(path):
    """A header and its implementation are one: include circles pass through both."""
    return path.with_suffix("")


def circles(source=SOURCE, left_out=()):
    graph = {}
    for folder in folders(source):
        if folder.split("/")[0] in left_out:
            continue
        for path in files(source, folder):
            graph.setdefault(unit_of(path), set()).update(
                unit_of(included) for included in includes(path, source))
    found = []
    seen = set()

    def follow(unit, way):
        if unit in way:
            circle = way[way.index(unit):] + [unit]
            found.append(" -> ".join(str(one.relative_to(source)) for one in circle))
        elif unit not in seen:
            for other in sorted(graph.get(unit, ())):
                if other != unit:
                    follow(other, way + [unit])
            seen.add(unit)

    for unit in sorted(graph):
        follow(unit, [])
    return found


def test_no_folder_includes_one_above_it():
    assert against_the_order() == []


def test_no_files_include_each_other_in_a_circle():
    # In these an interface and the file that implements a part of it still include each other.
    assert circles(left_out=("engine",)) == []


def test_violations_are_found(tmp_path):
    (tmp_path / "CMakeLists.txt").write_text("add_subdirectory(low)\nadd_subdirectory(engine)\n")
    for folder in ("low", "engine", "engine/ops", "engine/train", "engine/cuda"):
        (tmp_path / folder).mkdir()
    (tmp_path / "engine/CMakeLists.txt").write_text(
        "add_subdirectory(ops)\nadd_subdirectory(train)\ninclude(cuda/cuda.cmake)\n")
    (tmp_path / "low/a.h").write_text('#include "engine/ops/b.h"\n')
    (tmp_path / "engine/ops/b.h").write_text('#include "engine/train/c.h"\n#include <vector>\n')
    (tmp_path / "engine/train/c.h").write_text("")
    (tmp_path / "engine/train/c.cpp").write_text('#include "engine/train/d.h"\n')
    (tmp_path / "engine/train/d.h").write_text('#include "engine/train/c.h"\n#include "low/a.h"\n')
    for form in ("<engine/ops/b.h>", '"../engine/ops/b.h"'):
        (tmp_path / "low/b.h").write_text(f"#include {form}\n")
        assert "low/b.h includes engine/ops/b.h" in against_the_order(tmp_path)
    (tmp_path / "low/b.h").unlink()
    assert against_the_order(tmp_path) == ["low/a.h includes engine/ops/b.h",
                                           "engine/ops/b.h includes engine/train/c.h"]
    assert "engine/train/c -> engine/train/d -> engine/train/c" in circles(tmp_path)
