"""Readers of what other runtimes run, which may raise anything and die, in a process of their own.

Example:
    runtimes.READERS
"""

import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from configs import hub_api
from export.conversion import formats
from tests.fuzzing import published
from tests.fuzzing.harness import Reader

_INPUTS = {
    name: np.array([[2, 9, 3, 0]] if name == hub_api.INPUT_WORD_IDS else [[1, 1, 1, 0]], np.int32)
    for name in hub_api.ENCODER_INPUTS
}


def _converted(format_name: str) -> Callable[[pathlib.Path], None]:
    def make(folder: pathlib.Path) -> None:
        encoder = folder.parent / "made" / "encoder" / "1"
        encoder.parent.mkdir(parents=True)
        published.exported(encoder, "export.encoder", "--config", "tiny")
        published.exported(folder, "export.convert", encoder, "--to", format_name)

    return make


def _run(format_name: str, path: pathlib.Path) -> Mapping[str, Any]:
    """Does what `runtime_process` does in its process, where digests are good."""
    if any(one.is_symlink() or not (one.is_file() or one.is_dir()) for one in path.rglob("*")):
        raise FileNotFoundError("not a plain file")  # as `checksums.problems` says
    implementation = formats.FORMATS[format_name].implementation()
    return implementation.load(str(path), hub_api.SERVING_DEFAULT)(_INPUTS)


READERS = tuple(
    Reader(
        name=format_name,
        make=_converted(format_name),
        read=functools.partial(_run, format_name),
        files=files,
        others="anything",
        is_foreign=True,
    )
    for format_name, files in (
        ("onnx", ("*.onnx",)),
        ("litert", ("*.tflite",)),
        ("openvino", ("*.xml", "*.bin")),
    )
)
