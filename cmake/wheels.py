"""The wheels that a build by pip stands on: torch, pyarrow (reads and writes Parquet) and plotly (draws
reports). The first two are those of the Python that pip installs for, if they are there and new
enough; otherwise the pinned ones (requirements/), which pip then installs.

A provider of metadata for scikit-build-core, and a program for CMake (cmake/Pip.cmake)."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import sysconfig

ROOT = pathlib.Path(__file__).resolve().parent.parent
OLDEST = {"torch": (2, 9), "pyarrow": (21, 0)}
REQUIREMENTS = {"torch": "torch.txt", "pyarrow": "arrow.txt", "plotly": "plotly.txt"}
VERSION_FILES = {"torch": "version.py", "pyarrow": "_generated_version.py"}
LOOK = """import importlib.util, sys
spec = importlib.util.find_spec(sys.argv[1])
print(spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else '')"""


def pin(name):
    return re.search(rf"^{name}==\S+", (ROOT / "requirements" / REQUIREMENTS[name]).read_text(), re.M)[0]


def version(folder):
    """The public one: 2.11.0 of 2.11.0+cu128."""
    text = (folder / VERSION_FILES[folder.name]).read_text()
    return re.search(r"^__version__.*= *['\"]([^'\"+]+)", text, re.M)[1]


def is_new_enough(folder):
    return tuple(map(int, re.findall(r"\d+", version(folder))[:2])) >= OLDEST[folder.name]


def found_by(python, name):
    """In the environment that the program will run in. pip hides it from a build by PYTHONPATH and
    PYTHONNOUSERSITE."""
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONNOUSERSITE")}
    done = subprocess.run([python, "-c", LOOK, name], env=variables, cwd="/", capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"'{python}' cannot be asked for its {name}:\n{done.stderr}")
    return pathlib.Path(done.stdout.strip()) if done.stdout.strip() else None


def there(name):
    """The folder of the package that is there already, or None."""
    asked = os.environ.get("DTBENCH_TORCH") if name == "torch" else None
    if asked:
        folder = pathlib.Path(asked) if os.path.isdir(asked) else found_by(asked, name)
    else:
        folder = found_by(sys.executable, name)
    if folder is None or is_new_enough(folder):
        return folder
    if name == "torch":  # which pip must not replace unasked
        raise SystemExit(f"torch {version(folder)} in '{folder}' is older than 2.9, the oldest that dtbench "
                         "builds on. Install another one first, such as: pip install " + pin("torch"))
    return None


def of_build(name):
    """The folder of what pip brought for the build alone, or None."""
    spec = importlib.util.find_spec(name)
    folder = pathlib.Path(spec.submodule_search_locations[0]) if spec else None
    return folder if folder and (name not in OLDEST or is_new_enough(folder)) else None


def get_requires_for_dynamic_metadata(settings):
    return [pin("plotly")] + [pin(name) for name in ("torch", "pyarrow") if not there(name)]


def dynamic_wheel(settings):
    return {"dependencies": True}


def dynamic_metadata(settings, project):
    torch, pyarrow = there("torch") or of_build("torch"), there("pyarrow") or of_build("pyarrow")
    dependencies = [f"torch=={version(torch)}"] if torch else [pin("torch")]
    if pyarrow:  # a library's name holds both numbers: libarrow.so.2500
        dependencies.append("pyarrow=={}.{}.*".format(*version(pyarrow).split(".")[:2]))
    number = re.search(r"^project\(dtbench VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
    return {"version": number, "dependencies": dependencies}


def main():
    """Prints for CMake: torch's folder, pyarrow's, plotly's script, and torch's folder once more if
    dtbench will not be installed beside it."""
    torch = there("torch")
    beside = {sysconfig.get_path("platlib"), sysconfig.get_path("purelib")}
    elsewhere = torch if torch and str(torch.parent) not in beside else None
    torch = torch or of_build("torch")
    if torch is None:
        raise SystemExit("There is no torch to build on. Install one first: pip install " + pin("torch"))
    plotly = of_build("plotly") or found_by(sys.executable, "plotly")
    script = plotly / "package_data/plotly.min.js" if plotly else ""
    print(torch, there("pyarrow") or of_build("pyarrow") or "", script, elsewhere or "", sep=";")


if __name__ == "__main__":
    main()
