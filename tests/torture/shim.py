"""faults.c, compiled, and its state: which call is to fail, and which were made."""

import ctypes
import errno
import mmap
import pathlib
import subprocess

KINDS = ["open", "read", "write", "short write", "sync", "rename", "make", "remove", "truncate",
         "map", "list"]
# As a full disk, or one that is going, answers each.
ERRORS = {"write": errno.ENOSPC, "short write": errno.ENOSPC, "make": errno.ENOSPC,
          "rename": errno.ENOSPC, "map": errno.ENOMEM}


class State(ctypes.Structure):
    _fields_ = [("calls", ctypes.c_long * len(KINDS)), ("kind", ctypes.c_long),
                ("number", ctypes.c_long), ("error", ctypes.c_long), ("failed", ctypes.c_long),
                ("what", ctypes.c_char * 256)]


def preload(folder):
    """The shared object, built in `folder`."""
    library = pathlib.Path(folder) / "faults.so"
    if not library.exists():
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library,
                        pathlib.Path(__file__).parent / "faults.c"], check=True)
    return library


class Faults:
    """The file that the program's processes share with this one."""

    def __init__(self, folder, root):
        self.library, self.root = preload(folder), root
        self.file = pathlib.Path(folder) / "state"
        self.file.write_bytes(bytes(ctypes.sizeof(State)))
        with self.file.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.state = State.from_buffer(self.memory)

    def arm(self, kind=None, number=0):
        """The `number`th call of a kind fails, from 1; none without one. Counts begin anew."""
        ctypes.memset(ctypes.addressof(self.state), 0, ctypes.sizeof(State))
        if kind is not None:
            self.state.kind = KINDS.index(kind)
            self.state.error = ERRORS.get(kind, errno.EIO)
            self.state.number = number

    def environment(self, only=None, within=""):
        """Calls of one program count, or everybody's, and on the files of one folder of the root's."""
        return {"LD_PRELOAD": str(self.library), "TORTURE_STATE": str(self.file),
                "TORTURE_ROOT": str(self.root / within)} | ({"TORTURE_ONLY": only} if only else {})

    def calls(self):
        return dict(zip(KINDS, self.state.calls))

    def landed(self):
        return self.state.failed == 1

    def what(self):
        return self.state.what.decode(errors="replace")
