"""No damaged file ends in a traceback, a process that dies or hangs, or silently in other weights.

What is expected of each reader, and how the copies are damaged: `harness`, `readers`.
"""

import pytest

from tests.fuzzing import readers
from tests.support import processes

_SAMPLE = 3  # copies of each reader
_COUNT, _COUNT_OF_RUNTIMES = 10_000, 1000
_NEEDS = {"torch": "torch", "torch_legacy": "torch", "litert": "ai_edge_litert"}
# A crash there is an error of the command's, and starting their processes takes long.
_RUNTIMES = ("onnx", "litert", "openvino")
_NAMES = tuple(name for name in readers.READERS if name not in ("artifact", *_RUNTIMES, *_NEEDS))


def _fuzz(*names, count):
    done = processes.run("tests.fuzzing", *names, "--count", count)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_a_few_damaged_copies_of_every_kind_are_read():
    counts = _fuzz(*_NAMES, count=_SAMPLE)
    assert counts.count(f": {_SAMPLE} damaged copies; ") == len(_NAMES)
    assert "refused: " in counts


@pytest.mark.stress
@pytest.mark.parametrize("name", readers.READERS)
def test_damaged_copies_are_refused_or_read(name):
    pytest.importorskip(_NEEDS.get(name, name if name in _RUNTIMES else "sys"))
    count = _COUNT_OF_RUNTIMES if name in _RUNTIMES else _COUNT
    assert f"{name}: {count} damaged copies; " in _fuzz(name, count=count)
