"""Records of dtbench for notebooks. The program reads and writes them; this only asks it to."""

import pathlib
import subprocess
import tempfile

PROGRAM = pathlib.Path(__file__).parent / "bin" / "dtbench"


class Error(RuntimeError):
    """What the program says, and its exit code (docs/install.md)."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def read(path="runs", what="records", *, arrow=False):
    """The records in a folder, or the folders of a list, as a pandas DataFrame or an Arrow table.

    what="records": a row per record, with the columns of `dtbench report --format parquet`.
    what="steps": a row per training step, with the numbers of steps.jsonl.
    """
    if what not in ("records", "steps"):
        raise ValueError(f"what must be 'records' or 'steps', got {what!r}")
    folders = [str(each) for each in path] if isinstance(path, (list, tuple)) else [str(path)]
    with tempfile.TemporaryDirectory() as temporary:
        file = pathlib.Path(temporary) / "table.parquet"
        flags = ["--steps"] if what == "steps" else []
        done = subprocess.run([PROGRAM, "report", "--format", "parquet", "--output", file, *flags, "--", *folders],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Error(done.stderr.strip(), done.returncode)
        import pyarrow.parquet  # late: the command needs none of it

        table = pyarrow.parquet.read_table(file)
    return table if arrow else table.to_pandas()
