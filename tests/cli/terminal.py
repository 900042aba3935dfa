"""A program on a terminal of its own."""

import fcntl
import os
import pty
import select
import struct
import termios
import time

from screen import Screen


class Terminal:
    """A command of a folder (sweeps.py) on a terminal, and what is to be seen there."""

    def __init__(self, sweeps, columns, rows, *arguments, does={}, step_s=0.0):
        self.screen = Screen(columns, rows)
        self.frames = []
        command = [str(sweeps.program), sweeps.command, *arguments]
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.chdir(sweeps.folder)
            self.resize_to(0, columns, rows)
            os.write(1, b"what was there before\r\n")
            os.execve(command[0], command, sweeps.environment(does, step_s))

    @staticmethod
    def resize_to(descriptor, columns, rows):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, until=lambda _: False):
        """Reads until a frame satisfies `until`, or to the end."""
        deadline = time.monotonic() + 120
        while not (self.frames and until(self.frames[-1])):
            assert time.monotonic() < deadline, self.frames[-1:]
            if not select.select([self.descriptor], [], [], 1)[0]:
                continue
            try:
                text = os.read(self.descriptor, 65536).decode()
            except OSError:  # the program has ended
                return
            if not text:
                return
            self.screen.feed(text)
            self.frames.append(self.screen.text())

    def press(self, keys):
        os.write(self.descriptor, keys)

    def echoes(self):
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    def end(self):
        self.read()
        _, status = os.waitpid(self.process, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)
