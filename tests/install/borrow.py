"""borrow.py PACKAGE VENV: links a package of this Python, with all that it requires, into a virtual
environment, so that torch need not be downloaded for one that lasts a minute."""

import importlib.metadata
import pathlib
import re
import sys


def with_requirements(name, found):
    distribution = importlib.metadata.distribution(name)
    found.setdefault(distribution.metadata["Name"].lower(), distribution)
    for requirement in distribution.requires or []:
        required = re.match(r"[\w.-]+", requirement)[0].lower()
        if required not in found and "extra ==" not in requirement:
            try:
                with_requirements(required, found)
            except importlib.metadata.PackageNotFoundError:
                pass  # of another platform
    return found


def borrow(package, venv):
    (site,) = pathlib.Path(venv).glob("lib/python3.*/site-packages")
    for distribution in with_requirements(package, {}).values():
        for name in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(distribution.locate_file(name))
    return site


if __name__ == "__main__":
    borrow(*sys.argv[1:])
