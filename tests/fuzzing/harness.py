"""Reads damaged files in forked children, each within limits of time and memory.

Example:
    report = harness.run(readers.READERS["safetensors"], count=10_000, seed=0)
    report.counts, report.findings

A child reads one damaged copy after another. What it finds is in memory that it shares with its
parent, so that the parent knows which copy a child died of; it goes on with the next one.
"""

import collections
import dataclasses
import hashlib
import mmap
import os
import pathlib
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from configs import errors
from tests.fuzzing import folders

SECONDS = 10
# Of resident memory, above that before a copy is read, besides twice the size of its files.
MEMORY = 1 << 30
_BATCH = 500
_ADDRESS_SPACE = 8 << 30  # protects the machine; `MEMORY` is what is asserted
_UNSOUND = 3  # status of a child that cannot read the files before they are damaged
_OUTPUT = "output"  # a file with what the last child printed
_LONGEST = 10_000  # characters of an error

# Outcomes. The first three are good; the rest are findings.
REFUSED, EQUAL, OTHER = "refused", "equal", "other values"
LEFT_OUT = "left out"
CRASHED = "crashed in its process"
_OUTCOMES = (REFUSED, EQUAL, OTHER, CRASHED, "finding")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reader:
    """What reads files, and what it is fuzzed with.

    Attributes:
      make: writes sound files into an empty folder.
      read: returns what the files in a folder say, by name: arrays, strings, numbers, or dicts,
        tuples and lists of these. `LEFT_OUT` has the names of tensors that the user is told of,
        because they are not used; as many others may be missing.
      files: patterns of the names of files to damage.
      others: what may be read out of a damaged copy but the same and an error: nothing ("", for
        formats that have checksums, while these do not fit), other finite "values" in arrays of the
        same names, shapes and types, or "anything" (for settings: a change makes other settings).
      is_foreign: whether it is run in a process of its own, so that it may raise anything and die.
    """

    name: str
    make: Callable[[pathlib.Path], None]
    read: Callable[[pathlib.Path], Mapping[str, Any]]
    files: tuple[str, ...] = ("*",)
    others: str = ""
    is_foreign: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """What became of all copies.

    Attributes:
      counts: by outcome.
      findings: what should not be, in a paragraph each with the command that repeats it.
      errors: how often each type of error was raised.
      seconds: how long it took.
    """

    counts: Mapping[str, int]
    findings: list[str]
    errors: Mapping[str, int]
    seconds: float

    def __str__(self) -> str:
        counts = ", ".join(
            f"{name}: {self.counts[name]}" for name in _OUTCOMES if self.counts[name]
        )
        return f"{sum(self.counts.values())} damaged copies; {counts}; {self.seconds:.0f} s"


def run(reader: Reader, *, count: int, seed: int, first: int = 0) -> Report:
    """Reads damaged copies number `first` to `first + count - 1` of a seed."""
    import tensorflow  # noqa: F401, so that no child imports it again

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="albert-fuzz-") as work:
        original = pathlib.Path(work, "original")
        original.mkdir()
        reader.make(original)
        results = _Results(work, count, first)
        next_number = first
        while next_number < first + count:
            end = min(next_number + _BATCH, first + count)
            status = _fork(_batch, reader, work, results, range(next_number, end), seed)
            if status == _UNSOUND:
                raise RuntimeError(f"{reader.name} cannot read its files:\n{results.output()}")
            died = results.first_open(next_number, end)
            if died is not None:
                results.set_death(died, status, reader)
                end = died + 1
            next_number = end
        return results.report(reader, seed, time.monotonic() - started)


class _Results:
    """The outcome of each copy, in shared memory, and paragraphs on findings, in a file."""

    def __init__(self, work: str, count: int, first: int) -> None:
        self._outcomes = mmap.mmap(-1, count)
        self._first = first
        self._log = pathlib.Path(work, "findings")
        self._output = pathlib.Path(work, _OUTPUT)
        self._types = pathlib.Path(work, "types")
        self._log.touch()
        self._types.touch()

    def set(self, number: int, outcome: str, text: str = "") -> None:
        if outcome == _OUTCOMES[-1]:
            with self._log.open("a", errors="backslashreplace") as file:
                file.write(f"{number}\t{text!r}\n")
        elif text:
            with self._types.open("a") as file:
                file.write(f"{text}\n")
        self._outcomes[number - self._first] = _OUTCOMES.index(outcome) + 1

    def set_death(self, number: int, status: int, reader: Reader) -> None:
        name = signal.Signals(-status).name if status < 0 else f"status {status}"
        if reader.is_foreign and name != "SIGALRM":
            self.set(number, CRASHED, name)
        else:
            is_late = name == "SIGALRM"
            what = f"did not end in {SECONDS} s" if is_late else f"died: {name}: {self.output()}"
            self.set(number, _OUTCOMES[-1], what)

    def output(self) -> str:
        return self._output.read_text(errors="replace")[-2000:]

    def first_open(self, start: int, end: int) -> int | None:
        place = self._outcomes[start - self._first : end - self._first].find(0)
        return None if place < 0 else start + place

    def report(self, reader: Reader, seed: int, seconds: float) -> Report:
        outcomes = collections.Counter(_OUTCOMES[code - 1] for code in self._outcomes[:])
        findings = []
        for line in self._log.read_text().splitlines():
            number, text = line.split("\t", 1)
            command = f"python -m tests.fuzzing {reader.name} --seed {seed} --only {number}"
            findings.append(f"{command}: {text}")
        types = collections.Counter(self._types.read_text().split())
        return Report(counts=outcomes, findings=findings, errors=types, seconds=seconds)


def _fork(work: Callable[..., None], *arguments: object) -> int:
    """Runs something in a forked child; returns its status, minus a signal's number."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work(*arguments)
            status = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _batch(reader: Reader, work: str, results: _Results, numbers: Sequence[int], seed: int) -> None:
    original = pathlib.Path(work, "original")
    with open(os.path.join(work, _OUTPUT), "wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        sound = _facts(reader.read(original))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(_UNSOUND)
    limit = _status("VmSize") + _ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends what hangs, in C as well
    for number in numbers:
        with tempfile.TemporaryDirectory(dir=work) as copy:
            generator = np.random.default_rng([seed, number])
            path = pathlib.Path(copy, "copy")
            fits = folders.write_damaged(path, original, patterns=reader.files, generator=generator)
            size = folders.size(path)
            before = _reset_peak()
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            outcome, text = _outcome(reader, path, sound, fits)
            signal.setitimer(signal.ITIMER_REAL, 0)
            grown = _status("VmHWM") - before
            if grown > MEMORY + 2 * size:
                outcome, text = _OUTCOMES[-1], f"took {grown >> 20} MB for {size} bytes: {text}"
            results.set(number, outcome, text)


def _outcome(reader: Reader, path: pathlib.Path, sound: "_Facts", fits: bool) -> tuple[str, str]:
    try:
        found = _facts(reader.read(path))
    except (errors.InputError, OSError) as error:  # what commands end with as one line
        message = str(error)
        if not message.strip() or len(message) > _LONGEST:
            return _OUTCOMES[-1], f"an error of {len(message)} characters: {message[:200]}"
        return REFUSED, type(error).__name__
    except BaseException as error:
        if reader.is_foreign and isinstance(error, Exception):
            return REFUSED, type(error).__name__
        return _OUTCOMES[-1], "".join(traceback.format_exception(error))[-6000:]
    if found == sound:
        return EQUAL, ""
    others = reader.others or ("values" if fits else "")
    difference = set(found.structure) ^ set(sound.structure)
    lost = set(sound.structure) - set(found.structure)
    is_told = difference == lost and len(lost) <= len(found.left_out - sound.left_out)
    if others == "values" and difference and not is_told:
        return _OUTCOMES[-1], f"another structure: {sorted(difference)}"[:3000]
    if others == "values" and not found.is_finite:
        return _OUTCOMES[-1], "numbers that are not finite"
    if not others:
        return _OUTCOMES[-1], f"silently something else: {sorted(difference)}"[:3000]
    return OTHER, ""


@dataclasses.dataclass(frozen=True)
class _Facts:
    structure: tuple[str, ...]
    digest: str
    is_finite: bool
    left_out: frozenset[str]


def _facts(found: Mapping[str, Any]) -> _Facts:
    structure, digest, is_finite = [], hashlib.sha256(), True
    for name, value in found.items():
        digest.update(name.encode())
        if name == LEFT_OUT:
            digest.update(_printable(value, repr(value)))
        elif isinstance(value, np.ndarray) and value.dtype != object:
            structure.append(f"{name} {value.dtype} {value.shape}")
            digest.update(value.tobytes())
            is_finite &= bool(np.isfinite(value).all()) if value.dtype.kind == "f" else True
        else:
            text = repr(value)
            structure.append(f"{name} {text[:200]}")
            digest.update(_printable(value, text))
    left_out = frozenset(found.get(LEFT_OUT, ()))
    return _Facts(tuple(structure), digest.hexdigest(), is_finite, left_out)


def _printable(value: Any, text: str) -> bytes:
    """Returns the bytes of strings; they must have some, to be written to a file."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, Mapping):
        for one in (*value.keys(), *value.values()):
            _printable(one, "")
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            _printable(one, "")
    return text.encode()


def _status(name: str) -> int:
    """Returns a size of this process in bytes."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(name))


def _reset_peak() -> int:
    """Sets the peak of resident memory to what is resident now, and returns that."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmRSS")
