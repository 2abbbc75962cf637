"""A process that writes an artifact while this one writes another.

Example:
    with writing_process.WritingProcess() as process:  # starts importing TensorFlow
        process.start("export.artifacts.preprocessor_artifact", directory, tokenizer=tokenizer)
        process.wait()

Only the first artifact that a process writes is reproducible, see `hub_module.save`.
"""

import importlib
import os
import pickle
import sys
import threading
from typing import Any

from configs import errors
from export.publishing import subprocesses

_CODE = "from export.publishing import writing_process; writing_process.main()"


class WritingProcess:
    """A context manager for the process: leaving it ends the process."""

    def __init__(self) -> None:
        self._worker = subprocesses.Worker(_CODE)

    def __enter__(self) -> "WritingProcess":
        self._worker.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._worker.__exit__(*exception)

    def start(self, module: str, directory: str, **arguments: Any) -> None:
        """Starts `module.write(directory, **arguments)`."""
        self._worker.start(pickle.dumps((module, directory, arguments)))

    def wait(self) -> None:
        """Waits until it is written.

        Raises:
          errors.InputError: it cannot be, for the reason in the message.
        """
        problem = self._worker.problem()
        if problem:
            raise errors.InputError(problem)


def _end_with_the_exporter() -> None:
    """Ends the process when the pipe from the exporter closes: nobody wants the artifact then."""
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Runs in the process."""
    # Libraries may print: only the answer goes to the real stdout.
    answer, sys.stdout = sys.stdout, sys.stderr
    import tensorflow

    assert tensorflow
    try:
        module, directory, arguments = pickle.load(sys.stdin.buffer)
    except EOFError:  # the exporter is gone
        return
    threading.Thread(target=_end_with_the_exporter, daemon=True).start()
    problem = ""
    try:
        importlib.import_module(module).write(directory, **arguments)
    except (errors.InputError, OSError) as error:
        problem = str(error)
    print(" ".join(problem.split()), file=answer, flush=True)
