"""The two clients, ours (hub_probe) and the Python one (huggingface_hub), as processes that share
nothing but the cache folder."""

import json
import os
import pathlib
import subprocess
import sys

from stand_in_hub import File

PROBE = pathlib.Path(os.environ["DTBENCH_BIN"]) / "hub_probe"
DONE, USAGE, RETRYABLE, PERMANENT = 0, 2, 3, 4
TOKEN = "hf_ThisMustNotBeSeenAnywhere"

# Waits that tests have time for; what is counted is the same. A busy machine is no stall: only
# tests of stalls set "stall_timeout_s".
QUICK = {"retries": 3, "first_wait_s": 0.01, "longest_wait_s": 0.04, "stall_timeout_s": 30}

LARGE = b"".join(b"%07d\n" % line for line in range(25_000))  # 200,000 bytes, no two ranges alike
FILES = {
    "README.md": File(b"# A data set\n"),
    "data/train.parquet": File(LARGE, large=True),
    "data/empty.txt": File(b""),
    "data/deep/er/notes with spaces, \u00fcml\u00e4uts & #.txt": File("\u00e9\n".encode()),
    "same-content.md": File(b"# A data set\n"),
}


class Result:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    @property
    def answer(self):
        assert self.code == DONE, self.err
        return json.loads(self.out)


class Client:
    """Runs either client against a stand-in Hub with a cache folder, and nothing else of the
    environment that would tell it something."""

    def __init__(self, hub, cache, **environment):
        self.hub, self.cache = hub, pathlib.Path(cache)
        self.settings = dict(QUICK)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.cache.parent / "home"),
                            "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(self.cache),
                            "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                            "PYTHONDONTWRITEBYTECODE": "1", **environment}

    def command(self, name, repository, *arguments, revision="main"):
        return [PROBE, json.dumps(self.settings), name, repository.kind.removesuffix("s"),
                repository.id, revision, *arguments]

    def ours(self, name, repository, *arguments, revision="main", **options):
        command = self.command(name, repository, *arguments, revision=revision)
        return self.run(command, **options)

    def start(self, name, repository, *arguments, revision="main", **options):
        command = self.command(name, repository, *arguments, revision=revision)
        return subprocess.Popen(command, env=self.environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def python(self, code, **options):
        """`code` gets huggingface_hub as hub, and prints what it has to say."""
        return self.run([sys.executable, "-c", "import json, huggingface_hub as hub\n" + code],
                        **options)

    def python_snapshot(self, repository, revision="main"):
        return self.python(f"print(json.dumps(hub.snapshot_download({repository.id!r}, "
                           f"repo_type={repository.kind[:-1]!r}, revision={revision!r}, "
                           "max_workers=2)))")

    def run(self, command, environment=None, **options):
        done = subprocess.run(command, env={**self.environment, **(environment or {})}, text=True,
                              capture_output=True, check=False, timeout=60, **options)
        return Result(done)

    def folder(self, repository):
        return self.cache / f"{repository.kind}--{repository.id.replace('/', '--')}"

    def blob(self, repository, file):
        return self.folder(repository) / "blobs" / file.hash


def tree(folder):
    """Everything below a folder: permissions, and bytes or the target of a link."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        # The Python client's lists of files are for their owner alone, by the way it makes them.
        mode = 0 if name.startswith("trees/") else path.lstat().st_mode
        if path.is_symlink():
            found[name] = ("link", mode, os.readlink(path))
        else:
            found[name] = ("folder", mode) if path.is_dir() else ("file", mode, path.read_bytes())
    return found
