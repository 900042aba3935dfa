"""`dtbench` in a folder of its own. DTBENCH_BIN is the folder of the program, DTBENCH_SOURCE the
source tree (CMake sets both)."""

import importlib.util
import json
import os
import pathlib
import re
import subprocess

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])


def load(path):
    """A file of tests/ as a module: its name may be taken here."""
    spec = importlib.util.spec_from_file_location("_".join(path.parts[-2:]).removesuffix(".py"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# What it compares two folders of records by.
torture = load(SOURCE / "tests" / "torture" / "bench.py")


class Bench:
    def __init__(self, folder, cache):
        self.folder, self.cache = folder, cache

    def environment(self, **changes):
        """The caller's, without any DTBENCH_* of its own and a number of threads."""
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith("DTBENCH_") and k != "OMP_NUM_THREADS"}
        return kept | {"DTBENCH_CONFIGS": str(SOURCE / "configs"), "DTBENCH_CACHE": str(self.cache)} | changes

    def start(self, *arguments, **changes):
        return subprocess.Popen([BIN / "dtbench", *map(str, arguments)], cwd=self.folder, text=True,
                                env=self.environment(**changes), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments, **changes):
        process = self.start(*arguments, **changes)
        output, errors = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def json(self, *arguments, **changes):
        process = self.run(*arguments, "--json", **changes)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    def submit(self, cluster, *arguments):
        """The job's number."""
        process = self.run("submit", "slurm", *arguments, SLURM_CONF=cluster.environment["SLURM_CONF"])
        assert process.returncode == 0, process.stderr
        return re.search(r"Submitted job (\d+)", process.stdout)[1]
