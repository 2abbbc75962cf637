"""Commands that find no memory say so in one line; other errors are not taken for it."""

import errno

import pytest

from export.cli import want_of_memory
from tests.support import processes

_CODE = """
from export.cli import runner

def main():
    try:
        {raises}
    except Exception as error:
        raise ValueError("a library's words") from error

runner.run(main)
"""


class ResourceExhaustedError(Exception):
    """As TensorFlow's, which stands for memory and for disks."""


@pytest.mark.parametrize(
    "raises",
    [
        "raise MemoryError",
        "raise ImportError('libx.so: failed to map segment from shared object')",
        'raise RuntimeError("can\'t start new thread")',
    ],
)
def test_want_of_memory_is_one_line(raises, tmp_path):
    done = processes.python("-c", _CODE.format(raises=raises), cwd=tmp_path)
    assert processes.error(done) == "there is not enough memory: ValueError: a library's words"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (ResourceExhaustedError("OOM when allocating tensor with shape[3]"), True),
        (SystemError("<function f> returned NULL without setting an exception"), True),
        (SystemError("error return without exception set"), True),
        (SystemError("bad argument to internal function"), False),
        (ResourceExhaustedError("/disk/part: No space left on device"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (ImportError("no module named x"), False),
    ],
)
def test_other_errors_are_not_taken_for_it(error, expected):
    assert want_of_memory.is_cause(error) is expected


def test_an_error_that_is_its_own_cause_ends():
    error = ValueError("round")
    error.__cause__ = other = KeyError("round")
    other.__cause__ = error
    assert not want_of_memory.is_cause(error)
