"""A folder in which `dtbench matrix` and its relatives run, beside the stand-in or the real engine."""

import json
import pathlib
import subprocess
import time

from conftest import environment, install

HERE = pathlib.Path(__file__).parent
ONE = ["--scenario", "A", "--policy", "fp32_true", "--preset", "tiny", "--set", "train.steps=3"]
TWO = ["--scenario", "A", "--policy", "fp32_true", "--policy", "fp16_naive", "--preset", "tiny",
       "--set", "train.steps=3"]


class Sweeps:
    command = "matrix"

    def __init__(self, folder, cache, program=None):
        self.folder, self.cache = folder, cache
        engine = (HERE / "stand_in_engine.py").read_text()
        self.program = program or install(folder / "installed", engine)
        self.log = folder / "log"

    def environment(self, does={}, step_s=0.0, **changes):
        return environment(self.cache, STAND_IN=json.dumps(does), STAND_IN_LOG=str(self.log),
                           STAND_IN_STEP_S=str(step_s), TERM="xterm", **changes)

    def start(self, *arguments, command="matrix", does={}, step_s=0.0, preexec=None, **changes):
        return subprocess.Popen([self.program, command, *map(str, arguments)], cwd=self.folder,
                                env=self.environment(does, step_s, **changes), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec)

    def run(self, *arguments, **options):
        process = self.start(*arguments, **options)
        output, errors = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def started(self):
        """What the stand-in was started for, since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def records(self, out="runs"):
        """Run directories by the cells' names: "A fp32_true seed 0"."""
        found = {}
        for file in sorted((self.folder / out).glob("*/spec.json")):
            if ".replaced-" not in file.parent.name:
                spec = json.loads(file.read_text())
                found[f"{spec['scenario']} {spec['policy']['name']} seed {spec['seed']}"] = file.parent
        return found

    def results(self, out="runs"):
        return {name: json.loads((run / "result.json").read_text())
                for name, run in self.records(out).items() if (run / "result.json").exists()}

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within two minutes"
            time.sleep(0.01)

    def wait_for_steps(self, name, count, out="runs"):
        def there():
            run = self.records(out).get(name)
            file = run and run / "steps.jsonl"
            return file and file.exists() and file.read_text().count("\n") >= count
        self.wait_for(there, f"step of {name}")


def states(process):
    """The cells' states as `--json` tells them."""
    return {cell["name"]: cell["state"] for cell in json.loads(process.stdout)["cells"]}


def failures(process):
    return {cell["name"]: cell["failure"] for cell in json.loads(process.stdout)["cells"]
            if cell["failure"]}


def said(text):
    """Text without the line breaks that its width made."""
    return " ".join(text.split())
