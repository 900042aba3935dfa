"""The image for RunPod's pods: the structure of its Dockerfile, and its start script with sshd in a copy
of this system. Nothing here runs docker."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])
DOCKER = SOURCE / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()


# --- the Dockerfile ---


def instructions(text):
    """Dockerfile's own rules, as far as they are used: comments, continued lines."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


KNOWN = {"ARG", "FROM", "SHELL", "RUN", "ENV", "COPY", "WORKDIR", "EXPOSE", "CMD"}
PARTS = instructions(DOCKERFILE)


def all_of(name):
    return [rest for instruction, rest in PARTS if instruction == name]


def test_the_structure():
    assert {name for name, _ in PARTS} <= KNOWN
    assert PARTS[0] == ("ARG", "CUDA=13.0.2")  # before FROM, which uses it; again after it, for what follows
    assert PARTS[1] == ("FROM", "nvidia/cuda:${CUDA}-devel-ubuntu24.04") and PARTS[2] == ("ARG", "CUDA")
    assert all_of("CMD") == ['["/start.sh"]'] and all_of("EXPOSE") == ["22"]
    for run in all_of("RUN"):
        assert subprocess.run(["bash", "-n"], input=re.sub(r"^(--\S+ )+", "", run), text=True, timeout=60).returncode == 0
    for copied in all_of("COPY"):
        *_, source, target = copied.split()
        assert (SOURCE / source).is_file() and target.startswith("/")


def test_what_lasts_is_in_the_volume_and_nothing_secret_in_the_image():
    settings = dict(re.findall(r"(\w+)=(\S+)", " ".join(all_of("ENV"))))
    assert settings == {"DTBENCH_TORCH": "/opt/torch/bin/python", "DTBENCH_CACHE": "/workspace/.cache/dtbench",
                        "HF_HOME": "/workspace/.cache/huggingface"}
    assert not re.search(r"KEY|TOKEN|PASSWORD|SECRET", " ".join(all_of("ENV") + all_of("ARG")))
    runs = " ".join(all_of("RUN"))
    assert "/etc/ssh/ssh_host_*" in runs  # keys that the package made: the same in every pod otherwise
    assert "git clone" in runs and not any(source.split()[-2] == "." for source in all_of("COPY"))


def index_of(cuda):
    """The part of the Dockerfile that chooses where torch comes from, as bash runs it."""
    [run] = [run for run in all_of("RUN") if "download.pytorch.org" in run]
    choice = re.search(r"case \$CUDA in.*?esac", run)[0]
    return subprocess.run(["bash", "-euo", "pipefail", "-c", choice + '; echo "${index[@]}"'], capture_output=True,
                          text=True, env=os.environ | {"CUDA": cuda}, timeout=60)


def test_torch_fits_the_cuda_that_was_chosen():
    assert index_of("13.0.2").stdout == "\n"
    assert index_of("12.8.1").stdout == "--index-url https://download.pytorch.org/whl/cu128\n"
    refused = index_of("11.8.0")
    assert refused.returncode == 1 and "CUDA must be 13.x or 12.8.x, got 11.8.0" in refused.stderr


def test_packages_are_those_of_requirements():
    [run] = [run for run in all_of("RUN") if "apt-get" in run]
    command = re.search(r"sed '(.*?)' /requirements/apt.txt", run)[1]
    listed = subprocess.run(["sed", command, SOURCE / "requirements/apt.txt"], capture_output=True, text=True,
                            timeout=60).stdout.split()
    assert {"g++", "libcli11-dev", "libcurl4-openssl-dev"} <= set(listed)
    assert all(re.fullmatch(r"[a-z0-9+.-]+", name) for name in listed)


def test_shellcheck_finds_nothing():
    shellcheck = pathlib.Path(sys.executable).parent / "shellcheck"
    if not shellcheck.exists():
        pytest.skip("no shellcheck (requirements/test.txt)")
    scripts = [DOCKER / "start.sh", DOCKER / "stop-pod", SOURCE / "tests/docker/container.sh"]
    process = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stdout


# --- /start.sh, where namespaces and sshd can be had ---

SCRIPT = r"""
set -uo pipefail
cp /shared/start.sh /start.sh
cp /shared/sshd.conf /etc/ssh/sshd_config.d/pod.conf
rm -f /etc/ssh/ssh_host_*
rm -rf /root/.ssh /workspace /opt/dtbench && mkdir -p /workspace /opt/dtbench && echo one >/opt/dtbench/VERSION
export DTBENCH_CACHE=/workspace/.cache/dtbench HF_HOME=/workspace/.cache/huggingface RUNPOD_POD_ID=7h9k2m4n6p
export RUNPOD_API_KEY=rpa_SECRET UNRELATED=no

start() {
  /start.sh "$@" >>/shared/log 2>&1 &
  pod=$!
}
await() { for ((i = 0; i < 200; ++i)); do "$@" 2>/dev/null && return; sleep 0.05; done; echo "no $*"; exit 9; }
connect() {
  ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o ConnectTimeout=5 -o LogLevel=ERROR "$@"
}
answers() { (exec 3<>/dev/tcp/127.0.0.1/22); }

# Without a key there is no sshd.
start
await test -e /workspace/dtbench/VERSION
answers && echo "sshd without a key"
kill -TERM $pod && wait $pod
echo "ended: $?" >/shared/without

# With one: the command runs in the source tree, and sessions know the pod's variables.
rm -rf /workspace/dtbench
export PUBLIC_KEY="$(cat /shared/key.pub)"$'\n'"$(cat /shared/other.pub)"
start bash -c 'pwd >/shared/ran; exit 3'
await answers
await test -e /shared/ran
connect -i /shared/key root@127.0.0.1 env >/shared/session
connect -i /shared/other root@127.0.0.1 true && echo "the second key, too" >/shared/second
connect -i /shared/stranger root@127.0.0.1 true; echo "$?" >/shared/stranger-code
connect -o PubkeyAuthentication=no -v root@127.0.0.1 true 2>&1 | grep -i 'can continue' >/shared/methods
stat -c '%a %n' /root/.ssh /root/.ssh/authorized_keys /root/.ssh/environment >/shared/modes
kill -TERM $pod && wait $pod

# Another start: what is in the volume is left alone, and the keys are not doubled. SIGTERM reaches the command.
echo two >/workspace/dtbench/VERSION
kill "$(cat /run/sshd.pid)"
start bash -c 'trap "echo got it >/shared/term; exit 0" TERM; echo >/shared/trapped; while :; do sleep 0.1; done'
await answers
await test -e /shared/trapped
kill -TERM $pod && wait $pod
cp /workspace/dtbench/VERSION /shared/version
wc -l </root/.ssh/authorized_keys >/shared/keys
kill "$(cat /run/sshd.pid)"
exit 0
"""


@pytest.fixture(scope="module")
def pod(tmp_path_factory):
    """What the script above left behind."""
    shared = tmp_path_factory.mktemp("pod")
    for tool in ("sshd", "ssh", "ssh-keygen", "unshare", "ip"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            pytest.skip(f"no {tool} (requirements/apt-test.txt)")
    if subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, timeout=60).returncode != 0:
        pytest.skip("namespaces cannot be made here")
    for name in ("start.sh", "sshd.conf"):
        shutil.copy(DOCKER / name, shared)
    for key in ("key", "other", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", shared / key], check=True, timeout=60)
    (shared / "script").write_text(SCRIPT)
    process = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash",
                              SOURCE / "tests/docker/container.sh", shared, "script"],
                             capture_output=True, text=True, timeout=120)
    assert process.returncode == 0 and process.stdout == "", process.stdout + process.stderr
    return shared


def test_without_a_public_key_there_is_no_sshd(pod):
    assert "PUBLIC_KEY is not set: no sshd" in (pod / "log").read_text()
    assert (pod / "without").read_text() == "ended: 0\n"


def test_sshd_accepts_the_accounts_keys_and_nothing_else(pod):
    assert (pod / "second").exists() and (pod / "stranger-code").read_text() == "255\n"
    assert (pod / "methods").read_text().strip().endswith("can continue: publickey")
    assert (pod / "modes").read_text().split() == ["700", "/root/.ssh", "600", "/root/.ssh/authorized_keys", "600",
                                                   "/root/.ssh/environment"]


def test_sessions_have_the_pods_variables(pod):
    session = dict(line.split("=", 1) for line in (pod / "session").read_text().splitlines() if "=" in line)
    assert {name: session.get(name) for name in ("DTBENCH_CACHE", "HF_HOME", "RUNPOD_POD_ID", "RUNPOD_API_KEY")} == {
        "DTBENCH_CACHE": "/workspace/.cache/dtbench", "HF_HOME": "/workspace/.cache/huggingface",
        "RUNPOD_POD_ID": "7h9k2m4n6p", "RUNPOD_API_KEY": "rpa_SECRET"}
    assert "UNRELATED" not in session
    assert "rpa_SECRET" not in (pod / "log").read_text()


def test_the_command_runs_in_the_source_tree_and_the_pod_outlives_it(pod):
    assert (pod / "ran").read_text() == "/workspace/dtbench\n"
    assert "'bash' ended with exit code 3" in (pod / "log").read_text()


def test_another_start_leaves_the_volume_alone(pod):
    assert (pod / "version").read_text() == "two\n" and (pod / "keys").read_text() == "2\n"


def test_the_end_of_the_pod_reaches_the_command(pod):
    assert (pod / "term").read_text() == "got it\n"
    assert (pod / "log").read_text().count("sshd runs; host key: 256 SHA256:") == 2
