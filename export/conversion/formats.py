"""The formats that there are. A new one is a row here, and a module with these functions.

Example:
    chosen = formats.get("onnx", quantize="int8")
    chosen.implementation().write(directory, source=source, signatures=signatures, quantize="int8")
"""

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np

from configs import errors, head_config
from export.artifacts import text_model_spec
from export.conversion import source as sources

NONE, FLOAT16, INT8 = "none", "float16", "int8"
QUANTIZATIONS = (NONE, FLOAT16, INT8)
_WITHOUT_PLACES = (text_model_spec.EMBED, head_config.CLASSIFY)


class Implementation(Protocol):
    """What the module of a format has. It is imported without the packages that it needs.

    That of a folder has `load` and `manifest_entries` alone.

    Attributes:
      ENDING: of the file that a signature is in, see `source.file_name`.
    """

    ENDING: str

    def write(
        self,
        directory: str,
        *,
        source: sources.Source,
        signatures: Sequence[sources.Signature],
        quantize: str,
    ) -> None:
        """Writes what is converted into the existing, empty `directory`."""

    def load(
        self, directory: str, signature: str
    ) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
        """Returns what runs a signature in the format's runtime. Imports no TensorFlow."""

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of the format: `runtime`, versions by package, ..."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Format:
    """A format as data.

    Attributes:
      name: the value of --to, and the end of the artifact's name.
      module: with the functions of `Implementation`.
      packages: what pip installs, by the name of the module that is imported.
      quantizations: those that it can have.
      text_packages: what text models need besides; None for a format that they do not have.
      text_tasks: the tasks of text models that it can have, see `text_model_spec.TASKS`.
      text_tokenizer: the module whose `encode` tokenizes in the format's runtime; None where a
        tokenizer is not compiled.
      compute_dtypes: those of the encoders that it can be made of.
      is_folder: whether it is one model with its tokenizer, which `hugging_face.folder` writes and
        verifies, instead of a graph for each signature.
    """

    name: str
    module: str
    packages: Mapping[str, str]
    quantizations: tuple[str, ...] = QUANTIZATIONS
    text_packages: Mapping[str, str] | None = None
    text_tasks: tuple[str, ...] = ()
    text_tokenizer: str | None = None
    compute_dtypes: tuple[str, ...] = ("float32", "bfloat16")
    is_folder: bool = False

    def implementation(self) -> Implementation:
        """Returns the module."""
        return cast(Implementation, importlib.import_module(self.module))

    def encode(self) -> Callable[..., list[list[int]]] | None:
        """Returns what `compiled_tokenizer` compares ids with; None without a `text_tokenizer`."""
        if self.text_tokenizer is None:
            return None
        module = importlib.import_module(self.text_tokenizer)
        return cast(Callable[..., list[list[int]]], module.encode)

    def missing(self, *, for_text: bool = False) -> str | None:
        """Returns which packages are not installed, and how; None if all are.

        With `for_text` those that text models need are among them.
        """
        packages = {**self.packages, **((self.text_packages or {}) if for_text else {})}
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if not missing:
            return None
        install = " ".join(f"'{packages[name]}'" for name in missing)
        return f"{self.name} needs {' and '.join(missing)}: pip install {install}"

    def check_installed(self, *, for_text: bool = False) -> None:
        """Checks that its packages are installed.

        Raises:
          errors.InputError: one is not.
        """
        missing = self.missing(for_text=for_text)
        if missing:
            raise errors.InputError(f"--to {missing}")


FORMATS: Mapping[str, Format] = {
    made.name: made
    for made in (
        Format(
            name="onnx",
            module="export.conversion.onnx.onnx_format",
            packages={"onnx": "onnx>=1.17", "onnxruntime": "onnxruntime>=1.20"},
            text_packages={"onnxruntime_extensions": "onnxruntime-extensions>=0.13"},
            # Its tokenizer does not give the places of tokens in a text.
            text_tasks=(*_WITHOUT_PLACES, text_model_spec.FILL_MASK),
            text_tokenizer="export.conversion.onnx.text_tokenizer",
        ),
        Format(
            name="litert",
            module="export.conversion.litert.litert_format",
            packages={"ai_edge_litert": "ai-edge-litert>=2.1"},
            compute_dtypes=("float32",),
        ),
        Format(
            name="openvino",
            module="export.conversion.openvino.openvino_format",
            packages={"onnx": "onnx>=1.17", "openvino": "openvino>=2026.0"},
            text_packages={"openvino_tokenizers": "openvino-tokenizers>=2026.0"},
            # No operator joins strings, which `fill_mask` needs.
            text_tasks=_WITHOUT_PLACES,
            text_tokenizer="export.conversion.openvino.text_tokenizer",
        ),
        Format(
            name="huggingface",
            module="export.conversion.hugging_face.hugging_face_format",
            packages={"tokenizers": "tokenizers>=0.21"},
            quantizations=(NONE,),
            text_packages={},
            text_tasks=text_model_spec.TASKS,
            is_folder=True,
        ),
    )
}


def label(format_name: str, *, quantize: str) -> str:
    """Returns the name of a format with a quantization: `onnx`, `litert-int8`."""
    return "-".join([format_name, *([] if quantize == NONE else [quantize])])


# The values of --to and --quantize by label, of everything that there is.
LABELS: Mapping[str, tuple[str, str]] = {
    label(chosen.name, quantize=quantize): (chosen.name, quantize)
    for chosen in FORMATS.values()
    for quantize in chosen.quantizations
}


def get(name: str, *, quantize: str = NONE) -> Format:
    """Returns a format by its name.

    Raises:
      errors.InputError: there is none, it is not installed, or it cannot be quantized that way.
    """
    if name not in FORMATS:
        raise errors.InputError(f"--to must be one of {', '.join(FORMATS)}, got {name!r}")
    found = FORMATS[name]
    if quantize not in found.quantizations:
        raise errors.InputError(
            f"--quantize must be one of {', '.join(found.quantizations)} for --to {name}, got "
            f"{quantize!r}"
        )
    found.check_installed()
    return found
