"""One name, one type: two headers that define a type of one name differently are undefined
behaviour which no compiler sees that reads one file. The linker's own detector is asked (-flto
-Wodr). One object a folder holds every type that its headers define, so that the whole takes
seconds rather than another build. Types of a .cpp stand in an unnamed namespace and meet nobody."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from sources import SOURCE, files, folders

COMPILER = os.environ.get("CXX", "g++")
FLAGS = ["-std=c++20", "-O0", "-flto", "-w"]
# clang-format indents nothing for a namespace, so what a namespace holds begins in column one.
TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: : [^;{]+)? \{", re.MULTILINE)
TEMPLATE = re.compile(r"^template <.*>\n(?:requires .*\n)?(?:struct|class) (\w+)", re.MULTILINE)
UNNAMED = re.compile(r"^namespace \{\n.*?^\}  // namespace\n", re.MULTILINE | re.DOTALL)

# Of an abstract class there is only a pointer to be had.
OBJECT = """#include <type_traits>
template <typename T> using Object = std::conditional_t<std::is_abstract_v<T>, T*, T>;
// Namespaces within dtbench, so that their types are found as all others are.
namespace dtbench { namespace ops {} namespace kernels {} }
namespace dtbench { using namespace ops; using namespace kernels; }"""


def defined_types(text):
    return [name for name in TYPE.findall(text) if name not in TEMPLATE.findall(text)]


def unit(folder, headers):
    """A source that holds an object of every type, without constructing one."""
    holder = "Holder_" + re.sub(r"\W", "_", folder)
    types = [name for path in headers for name in defined_types(path.read_text())]
    lines = [f'#include "{path}"' for path in headers] + [OBJECT]
    for name in types:
        own = f"{holder}_{name}"
        lines.append(f"union {own} {{ int none; Object<dtbench::{name}> held; {own}() {{}} ~{own}() {{}} }};")
        lines.append(f"{own} its_{own};")
    return "\n".join(lines) + "\n"


def compile_unit(source, torch):
    includes = [f"-I{SOURCE}"]
    if torch:
        includes += [f"-isystem{torch}/include", f"-isystem{torch}/include/torch/csrc/api/include"]
    result = subprocess.run([COMPILER, *FLAGS, *includes, "-c", source, "-o", source.with_suffix(".o")],
                            capture_output=True, text=True)
    assert result.returncode == 0, f"{source.stem}: its headers do not go together\n{result.stderr}"
    return source.with_suffix(".o")


def findings(units, tmp_path, torch=None):
    """What the linker says of one program made of the units, {name: source text}."""
    sources = []
    for name, text in units.items():
        sources.append(tmp_path / (re.sub(r"\W", "_", name) + ".cpp"))
        sources[-1].write_text(text)
    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(lambda source: compile_unit(source, torch), sources))
    linked = subprocess.run(
        [COMPILER, "-flto", "-O0", "-Wodr", "-shared", "-o", tmp_path / "all.so", *objects],
        capture_output=True, text=True)
    return linked.stderr


def headers_of(folder):
    """Those of the program itself: a plug-in's stand a folder below."""
    return [path for path in files(SOURCE, folder, (".h",)) if path.parent == SOURCE / folder]


def test_no_type_is_defined_twice(tmp_path):
    # Without torch the engine's headers cannot be read. CUDA's need nvcc.
    torch = os.environ.get("DTBENCH_TORCH_DIR")
    names = [name for name in folders() if torch or not name.startswith("engine")]
    units = {name: unit(name, headers_of(name)) for name in names if name != "engine/cuda"}
    assert sum(text.count("\nunion ") for text in units.values()) > 100
    assert findings(units, tmp_path, torch) == ""


def test_the_detector_finds_a_type_that_is_defined_twice(tmp_path):
    (tmp_path / "one.h").write_text(
        "#include <string>\nnamespace dtbench {\nstruct Twice {\n  std::string text;\n};\n}\n")
    (tmp_path / "two.h").write_text(
        "namespace dtbench {\nstruct Twice {\n  int number = 0;\n};\n}\n")
    units = {name: unit(name, [tmp_path / f"{name}.h"]) for name in ("one", "two")}
    said = findings(units, tmp_path)
    assert "-Wodr" in said and "Twice" in said


def test_types_of_a_cpp_are_in_an_unnamed_namespace():
    named = {}
    for folder in folders():
        for path in files(SOURCE, folder, (".cpp",)):
            types = defined_types(UNNAMED.sub("", path.read_text()))
            if types and not path.is_relative_to(SOURCE / "engine/cuda"):
                named[str(path.relative_to(SOURCE))] = types
    assert named == {}
