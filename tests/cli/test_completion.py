"""Completions in the shells themselves, and the manual page: both hold what --help holds."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import pytest
from conftest import BIN, SOURCE, environment, refused
from test_command_lines import COMMANDS, IDS, subcommands, text

GROUPS = [(), ("data",), ("submit",)]  # commands that have commands


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The script of each shell, under the name that it is installed by."""
    folder = tmp_path_factory.mktemp("completion")
    names = {"bash": "dtbench", "zsh": "_dtbench", "fish": "dtbench.fish"}
    for shell, name in names.items():
        (folder / name).write_text(text("completion", shell))
    return {shell: folder / name for shell, name in names.items()}


def flags(command):
    """Long names in --help, of which a flag may have several."""
    listed = text(*command, "--help").split("\nOptions:\n")[1].split("\n\n")[0]
    return set(re.findall(r"--[\w-]+", " ".join(line.split()[0] for line in listed.splitlines() if line[2] == "-")))


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine (requirements/apt-test.txt)")


class Shell:
    """What a shell offers after a command line, of which the last word is being typed."""

    def __init__(self, name, script, folder):
        need(name)
        self.name, self.script, self.folder = name, script, folder

    def after(self, *words):
        return getattr(self, self.name)([*words])

    def bash(self, words):
        driver = 'source "$0" && COMP_WORDS=(dtbench "$@") COMP_CWORD=$# && _dtbench && printf "%s\\n" "${COMPREPLY[@]}"'
        return self.output(["bash", "--norc", "-c", driver, self.script, *words])

    def fish(self, words):
        driver = 'source $argv[1]; complete --do-complete $argv[2]'
        lines = self.output(["fish", "--no-config", "-c", driver, self.script, " ".join(["dtbench", *words])])
        return {line.partition("\t")[0] for line in lines}

    def output(self, command):
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=60,
                              env=os.environ | {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)})
        assert done.returncode == 0 and not done.stderr, done.stderr
        return set(done.stdout.split("\n")) - {""}


@pytest.fixture(params=["bash", "fish"])
def shell(request, scripts, tmp_path):
    return Shell(request.param, scripts[request.param], tmp_path)


def test_every_flag_of_every_command_is_offered_and_no_other(shell):
    for command in [*GROUPS, *COMMANDS]:
        assert {f for f in shell.after(*command, "--") if f.startswith("--")} == flags(command), command


def test_every_command_is_offered_and_no_other(shell):
    for group in GROUPS:
        offered = {word for word in shell.after(*group, "") if not word.startswith("-")}
        assert offered == set(subcommands(text(*group, "--help"))), group


def test_names_of_configurations_are_offered(shell):
    policies = {path.stem for path in (SOURCE / "configs/policies").glob("*.toml")}
    assert len(policies) > 10 and policies <= shell.after("run", "--policy", "")
    assert {"tiny", "small", "base"} <= shell.after("matrix", "--preset", "")
    assert "fp16_naive" in shell.after("policies", "fp16_n")
    assert "parquet" in shell.after("report", "--format", "p")
    assert shell.after("run", "--policy", "") & {"demo", "--seed"} == set()


def test_a_value_that_is_a_command_is_no_command(shell):
    """Nor is the name of a record that begins like one."""
    assert "--rerun" in shell.after("run", "--out", "data", "--")
    assert "--rerun" not in shell.after("data", "list", "--")


def test_a_switch_takes_no_value(shell):
    assert shell.after("matrix", "--dry-run", "--see") == {"--seeds"}
    assert "list" in shell.after("--version", "")


def test_what_is_submitted_is_completed_as_that_command(shell):
    assert {w for w in shell.after("submit", "slurm", "") if w.isalpha()} == {"matrix", "study"}
    assert "--seeds" in shell.after("submit", "slurm", "--at-once", "8", "matrix", "--se")
    assert "--seeds" not in shell.after("submit", "slurm", "--se")


def test_records_are_offered_by_name(shell, tmp_path):
    for name in ("A-fp32_true-1", "C-fp16_naive-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert shell.after("explain", "C-") == {"C-fp16_naive-2"}


def test_bash_completes_a_value_behind_an_equals_sign(scripts, tmp_path):
    bash = Shell("bash", scripts["bash"], tmp_path)
    assert bash.after("run", "--preset", "=", "ti") == {"tiny"}
    assert bash.after("run", "--preset", "=") >= {"tiny", "small"}


READY = {
    "bash": "source {script}; dtbench() {{ printf '<%s>' \"$@\"; echo; }}; PS1=ready-; bind 'set enable-bracketed-paste off'\n",
    "zsh": "fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; dtbench() {{ printf '<%s>' $@; echo; }}; "
           "PS1=ready-\n",
}


@pytest.mark.parametrize("name", READY)
def test_keys_pressed_in_an_interactive_shell(name, scripts, tmp_path):
    """Typed, with Tab after the beginnings of a command, an inner one, a flag and its value. What fish
    would offer, it says without a terminal."""
    need(name)
    command = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}[name]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execvpe(command[0], command, os.environ | {"TERM": "dumb", "HOME": str(tmp_path)})
    seen = ""

    def until(expected):
        nonlocal seen
        deadline = time.monotonic() + 60
        while expected not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")

    try:
        os.write(terminal, READY[name].format(script=scripts[name], folder=scripts[name].parent).encode())
        until("\nready-" if name == "bash" else "ready-")
        os.write(terminal, b"dtbench da\tprep\t--sc\tA --pres\tti\t\n")
        until("<data><prepare><--scenario><A><--preset><tiny>")
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def test_scripts_are_clean(scripts):
    checker = os.path.join(os.path.dirname(sys.executable), "shellcheck")
    subprocess.run([checker, "--shell=bash", scripts["bash"]], check=True)
    for name in ("zsh", "fish"):
        need(name)
        subprocess.run([name, "-n", scripts[name]], check=True)


def test_zsh_has_every_flag(scripts):
    functions = dict(re.findall(r"^(_dtbench\w*)\(\) \{\n(.*?)^\}", scripts["zsh"].read_text(), re.M | re.S))
    for command in COMMANDS:
        body = functions["_".join(["_dtbench", *command])]
        assert set(re.findall(r"'\*?(--[\w-]+)\[", body)) == flags(command)


def test_zsh_knows_which_flags_take_a_value(scripts):
    assert re.search(r"'--steps\[training steps\]:TEXT:", scripts["zsh"].read_text())
    assert re.search(r"'--tensorboard\[[^:]+\]'", scripts["zsh"].read_text())


def test_another_shell_is_refused(bench):
    refused(bench("completion", "bsh"), "Unknown shell 'bsh'", "Did you mean 'bash'?")


# --- The manual page ---


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    file = tmp_path_factory.mktemp("man") / "dtbench.1"
    file.write_text(text("man"))
    return file


def rendered(page):
    need("groff")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-rLL=200n", page], capture_output=True, text=True,
                          check=True, env=os.environ | {"GROFF_NO_SGR": "1"})
    assert done.stderr == ""
    return re.sub(".\b", "", done.stdout)


def test_groff_reads_the_page_without_a_warning(page, tmp_path):
    assert "DTBENCH(1)" in rendered(page)
    wrong = tmp_path / "wrong.1"  # the control
    wrong.write_text(page.read_text() + ".NOSUCHMACRO\n")
    with pytest.raises(AssertionError):
        rendered(wrong)


def test_man_reads_it(page):
    need("man")
    done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True,
                          env=os.environ | {"MANPAGER": "cat", "LC_ALL": "C.UTF-8"}, check=True)
    assert "dtbench data prepare" in done.stdout and done.stderr == ""


def test_whatis_finds_its_name(page):
    need("lexgrog")
    said = subprocess.run(["lexgrog", page], capture_output=True, text=True, check=True).stdout
    assert "dtbench - which floating-point configuration" in said


def sections(page):
    """Of each command: its part of the page, as one line of words."""
    parts = re.split(r"^   (dtbench [\w -]+)$", rendered(page), flags=re.M)
    return {name: " ".join(part.split()) for name, part in zip(parts[1::2], parts[2::2])}


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_every_command_and_flag_is_in_it_with_its_help(page, command):
    part = sections(page)["dtbench " + " ".join(command)]
    helped = text(*command, "--help")
    assert helped.splitlines()[0] in part
    listed = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", part))
    assert flags(command) <= listed
    for line in helped.split("Options:\n")[1].split("\n\n")[0].splitlines():
        if match := re.match(r"  \S.{30,}?\s(\S.*)", line):
            relation = match[1].startswith(("Excludes: ", "Needs: "))  # its help is on the next line
            assert relation or match[1] in part, line
