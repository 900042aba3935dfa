"""The command `dtbench`: this process becomes the program."""

import os
import sys

from dtbench import PROGRAM


def main():
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])


if __name__ == "__main__":
    main()
