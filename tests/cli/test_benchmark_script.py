"""benchmark.py: the specification's command line, from any working directory."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import SOURCE

FLAGS = ["--model_arch", "gpt2", "--task", "multi_cls", "--dtype_config", "amp_fp16", "--batch_size",
         "32", "--max_steps", "20", "--preset", "tiny", "--set", "data.text_field=a b"]


def script_beside(folder, program):
    """benchmark.py of the source tree beside a launcher that `program` is the text of."""
    folder.mkdir()
    shutil.copy(SOURCE / "benchmark.py", folder)
    (folder / "dtbench").write_text(program)
    (folder / "dtbench").chmod(0o755)
    return folder / "benchmark.py"


def test_it_forwards_flags_output_and_exit_code(tmp_path):
    script = script_beside(tmp_path / "tree", '#!/bin/sh\nfor a; do echo "$a"; done\npwd\nexit 42\n')
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.py"
    link.symlink_to(script)
    for called in script, link:
        process = subprocess.run([sys.executable, called, *FLAGS], cwd=tmp_path / "elsewhere",
                                 capture_output=True, text=True, check=False)
        assert process.returncode == 42, process.stderr
        assert process.stdout.splitlines() == ["benchmark", *FLAGS, str(tmp_path / "elsewhere")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_program(tmp_path, number):
    script = script_beside(tmp_path / "tree", "#!/bin/bash\ntrap 'echo saved; exit 130' INT TERM\n"
                           "touch ready\nwhile :; do sleep 0.05; done\n")
    process = subprocess.Popen([sys.executable, script], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    assert process.communicate(timeout=60)[0] == "saved\n"
    assert process.returncode == 130


def test_without_the_program_it_says_so(tmp_path):
    script = script_beside(tmp_path / "tree", "")
    os.remove(tmp_path / "tree" / "dtbench")
    process = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert process.returncode == 4
    assert "No such file" in process.stderr and str(tmp_path / "tree" / "dtbench") in process.stderr
