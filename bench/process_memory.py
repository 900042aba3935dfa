"""Memory of this process."""

import pathlib
import resource


def resident_bytes():
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def peak_resident_bytes():
    """Of this program alone: getrusage's maximum remembers who started it."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
