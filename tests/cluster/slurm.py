"""A Slurm cluster of this test's own: munged, slurmctld and a slurmd a node, on loopback, all in one
folder. The nodes share this machine, so each other's locks and boot id, but have their own daemons."""

import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")
ADMIN_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

CONFIGURATION = """
ClusterName=dtbench
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# How long a requeued job waits: two minutes on real clusters.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
SlurmctldPort={port}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdTimeout={slurmd_timeout}
KillWait=15
ReturnToService=2
MinJobAge=600
"""


def missing():
    """The programs that are not there."""
    return [name for name in DAEMONS if not shutil.which(name, path=ADMIN_PATH)]


def die_with_the_test():
    """In a daemon before it begins: a test that is killed leaves none behind."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def wait_for(condition, what, seconds=300):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.05)
    return found


def processes_with(variable):
    """Those that have it in their environment: "SLURMD_NODENAME=node2"."""
    found = []
    for file in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if variable.encode() in file.read_bytes().split(b"\0"):
                found.append(int(file.parent.name))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            pass
    return found


class Cluster:
    def __init__(self, folder, nodes=4, slurmd_timeout=300):
        self.folder = folder
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": ADMIN_PATH}
        self.daemons = {}
        (folder / "state").mkdir(parents=True)
        port, *ports = free_ports(nodes + 1)
        text = CONFIGURATION.format(host=socket.gethostname(), user=pwd.getpwuid(os.geteuid()).pw_name,
                                    folder=folder, port=port, slurmd_timeout=slurmd_timeout)
        for node, port in zip(self.nodes, ports):
            text += f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=1\n"
        text += "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
        (folder / "slurm.conf").write_text(text)

    # --- daemons ---

    def _start(self, name, *command):
        with open(self.folder / f"{name}.out", "ab") as output:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True, preexec_fn=die_with_the_test)

    def start(self):
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        self._start("munged", "munged", "--foreground", "--force", f"--key-file={key}",
                    *(f"--{what}-file={self.folder}/munge.{what}" for what in ("pid", "log", "seed")),
                    f"--socket={self.folder}/munge.socket", "--num-threads=2")
        wait_for((self.folder / "munge.socket").exists, "munged", 30)
        self._start("slurmctld", "slurmctld", "-D", "-c")
        for node in self.nodes:
            self.start_node(node)
        wait_for(lambda: self.states() == {node: "idle" for node in self.nodes}, "idle nodes", 60)

    def start_node(self, node):
        self._start(node, "slurmd", "-D", "-N", node)

    def stop(self):
        for node in self.nodes:
            self._kill_processes_of(node)
        for process in self.daemons.values():
            process.terminate()
        for process in self.daemons.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # --- failures ---

    def kill_daemon(self, node):
        """The daemon alone, as when a node is cut off: what it started goes on."""
        self.daemons[node].kill()
        self.daemons[node].wait()

    def kill_node(self, node):
        """The daemon and all that it started, as when the power fails."""
        self.kill_daemon(node)
        self._kill_processes_of(node)
        wait_for(lambda: not processes_with(f"SLURMD_NODENAME={node}"), f"death of {node}")

    def _kill_processes_of(self, node):
        """Slurm's own first: it must not tell the controller how the others ended."""
        processes = [pid for pid in processes_with(f"SLURM_CONF={self.environment['SLURM_CONF']}")
                     if pid in processes_with(f"SLURMD_NODENAME={node}")]
        steps = {parent for parent in map(parent_of, processes) if name_of(parent) == "slurmstepd"}
        for pid in [*steps, *processes]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # --- what a user or an administrator says and sees ---

    def call(self, *command, check=True):
        process = subprocess.run([*map(str, command)], env=self.environment, text=True,
                                 capture_output=True, timeout=120)
        assert not check or process.returncode == 0, (command, process.stdout, process.stderr)
        return process.stdout

    def states(self):
        return dict(line.split() for line in
                    self.call("sinfo", "-h", "-N", "-o", "%N %t", check=False).splitlines())

    def tasks(self, job):
        """Those in the queue: {"7_0": ("RUNNING", "node1")}."""
        rows = self.call("squeue", "-h", "-r", "-j", job, "-o", "%i|%T|%N", check=False).splitlines()
        return {number: (state, node) for number, state, node in (row.split("|") for row in rows)}

    def ends(self, job):
        """States of tasks that have ended, and what they exited with: {"7_0": ("COMPLETED", "0:0")}."""
        found = {}
        for block in self.call("scontrol", "-o", "show", "job", job, check=False).splitlines():
            fields = dict(field.split("=", 1) for field in block.split() if "=" in field)
            if "ArrayTaskId" in fields:
                found[f"{fields['ArrayJobId']}_{fields['ArrayTaskId']}"] = (
                    fields["JobState"], fields["ExitCode"], int(fields["Restarts"]))
        return found

    def wait_until_over(self, job, seconds=600):
        wait_for(lambda: not self.tasks(job), f"end of job {job}", seconds)
        return self.ends(job)


def parent_of(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
