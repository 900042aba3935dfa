"""Memory of this process."""

import pathlib


def peak_resident_bytes():
    """Of this program alone: getrusage's maximum remembers who started it."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
