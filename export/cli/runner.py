"""Runs a command: parses its flags, turns errors into one last line, and sets the exit status.

Example:
    if __name__ == "__main__":
        runner.run(main)

Bad flags and every `errors.InputError` end as `error: ...` on the last line of stderr with status 1
and no traceback, and so does want of memory (`want_of_memory`). Any other exception is a bug and
keeps its traceback. `--help` exits with 0, not 1 as absl's own, and does not import TensorFlow.
Before `run`, a command is interrupted by `early_interrupts`.
"""

import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import app, flags

from configs import errors
from export.cli import early_interrupts, start_up_log, want_of_memory

# absl's words for a required flag that is not given.
_REQUIRED = re.compile(r"flag (--\w+)=None: Flag --\w+ must have a value other than None\.")


def log(message: str) -> None:
    """Tells the user something on stderr; stdout is for scripts."""
    print(message, file=sys.stderr, flush=True)


def run(
    main: Callable[..., None], *, positional: Sequence[str] | None = (), gpu: bool = False
) -> None:
    """Parses the flags, runs `main` and exits.

    Args:
      main: takes the positional arguments of the command.
      positional: their names, for errors about their number; None to accept any number.
      gpu: whether TensorFlow may use GPUs.
    """
    # TensorFlow's log would hide the command's own lines. The user may override it.
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        start_up_log.hide()
    # ONNX Runtime 1.29 and later send telemetry, and leave a file in the temporary folder.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    logging.disable(logging.INFO)
    if not gpu:  # it would change the bytes, and exporting computes too little to gain from one
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    app.run(lambda argv: _guarded(main, argv[1:], positional), flags_parser=_parse_flags)


def _parse_flags(argv: Sequence[str]) -> list[str]:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `--help | head` ends as other programs do
    try:
        arguments: list[str] = flags.FLAGS(argv)
    except flags.Error as error:
        fail("; ".join(_REQUIRED.sub(r"\1 is required", str(error)).splitlines()))
    except SystemExit:  # only help flags exit during parsing, with status 1
        sys.exit(0)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    return arguments


def _guarded(
    main: Callable[..., None], arguments: Sequence[str], positional: Sequence[str] | None
) -> None:
    if positional is None:
        positional = arguments
    if len(arguments) > len(positional):
        fail(f"unexpected arguments: {' '.join(arguments[len(positional) :])}")
    if len(arguments) < len(positional):
        fail(f"missing arguments: {' '.join(positional[len(arguments) :])}")
    received = _stop_on_signals()
    try:
        main(*arguments)
        sys.stdout.flush()  # at the end of Python it would fail with a traceback
    except KeyboardInterrupt:
        _exit_interrupted()
    except Exception as error:
        if received and isinstance(error, ImportError):  # an extension's, of that exception
            if signal.SIGINT in received:
                _exit_interrupted()
            sys.exit(128 + received[0])
        if want_of_memory.is_cause(error):
            _print_error(want_of_memory.message(error))
            # A TensorFlow that found no memory keeps locks, for which the end of Python would wait.
            os._exit(1)
        if not isinstance(error, (errors.InputError, OSError)):  # OSError: a removed folder, EIO
            raise
        fail(str(error))


def _stop_on_signals() -> list[int]:
    """Makes SIGTERM and SIGINT exceptions, so that all is cleaned up; returns those received."""
    received: list[int] = []

    def stop(number: int, _: object) -> NoReturn:
        received.append(number)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as by nohup
        signal.signal(signal.SIGINT, stop)
    return received


def _exit_interrupted() -> NoReturn:
    early_interrupts.say()
    sys.exit(early_interrupts.STATUS)


def fail(message: str) -> NoReturn:
    """Prints `error: message` as one line on stderr and exits with status 1."""
    _print_error(message)
    sys.exit(1)


def _print_error(message: str) -> None:
    try:
        sys.stdout.flush()
    except OSError:  # it is closed, or its disk is full; Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print("error: " + " ".join(message.split()), file=sys.stderr, flush=True)
