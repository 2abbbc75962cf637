"""An exporter for tests: publishes a small artifact, or a real one, on command.

    python tests/support/exporter.py EXPORT_DIR VERSION [small|three|encoder]

`three` are three small artifacts that are published together, as `export.all` does.

It prints `ready` to stderr just before the rename that publishes, and `done` just after it. If
`STAGED_EXPORT_WAIT` is in the environment, it waits for a line on stdin before the rename.
"""

import contextlib
import os
import random
import runpy
import sys

from configs import errors
from export.metadata import checksums
from export.publishing import staging

NAME = "model"
# In the order in which they appear.
THREE = ("first", "second", "third")


def write_small(directory: str) -> None:
    """Writes an artifact's files without TensorFlow; always the same bytes."""
    generator = random.Random(0)
    for folder in ("assets", "assets.extra", "variables"):
        os.mkdir(os.path.join(directory, folder))
        for number in range(5):
            with open(os.path.join(directory, folder, f"file_{number}"), "wb") as file:
                file.write(generator.randbytes(20_000))
    checksums.write(directory)


def _tell_of_the_rename() -> None:
    rename = staging.rename

    def telling(folders: list[staging.Staging]) -> list[str]:
        print("ready", file=sys.stderr, flush=True)
        if "STAGED_EXPORT_WAIT" in os.environ:
            sys.stdin.readline()
        paths = rename(folders)
        print("done", file=sys.stderr, flush=True)
        return paths

    staging.rename = telling


def main(export_dir: str, version: str, kind: str = "small") -> None:
    """Publishes `version`, or the next free version if that is empty."""
    _tell_of_the_rename()
    if kind == "encoder":
        sys.argv = ["encoder", "--config=tiny", "--nomlm", "--export_dir", export_dir]
        sys.argv += ["--model_name", NAME] + [f"--version={version}"] * bool(version)
        runpy.run_module("export.encoder", run_name="__main__")
    number = int(version) if version else None
    try:
        with contextlib.ExitStack() as stack:
            folders = [
                stack.enter_context(staging.staged(export_dir, model_name=name, version=number))
                for name in (THREE if kind == "three" else (NAME,))
            ]
            for folder in folders:
                write_small(folder.directory)
                folder.sync()
            print(*staging.rename(folders), flush=True)
    except errors.InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(*sys.argv[1:])
