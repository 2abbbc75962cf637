"""What the page of a model says of the formats that it was converted to.

Example:
    for runtime in conversion_rows.by_runtime(model, models.conversions_of(model)):
        runtime.name, [row.label for row in runtime.rows]

All of it is in the manifests of the conversions. The code that runs a format is in
`export/release/site/templates/snippet_<format>.md.jinja`, of models that take text in
`snippet_<format>_text.md.jinja`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from export.metadata import manifest
from export.release.site import catalog

_UNKNOWN = "-"
_EMBED = "embed"  # the task of text models, and of embedders, which say none


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A conversion.

    Attributes:
      label: its format and quantization, as in `models.json`.
      model: the released conversion.
      package: of its runtime, see `Runtime`.
    """

    label: str
    model: catalog.PublishedModel
    package: str

    @property
    def files(self) -> list[str]:
        """The files with its signatures."""
        signatures = self.model.manifest["signatures"].values()
        return list(dict.fromkeys(signature["file"] for signature in signatures))

    @property
    def num_bytes(self) -> int:
        """Size of its unpacked files, without the tokenizer's assets and `assets.extra`."""
        return sum(self.model.manifest["sizes"].values())

    @property
    def version(self) -> str | None:
        """Version of the package that ran it; None if nothing did."""
        return self.model.manifest["runtime"].get(self.package) if self.is_run else None

    @property
    def is_run(self) -> bool:
        """Whether it was run and compared with the SavedModel."""
        return bool(self._measured)

    @property
    def num_texts(self) -> int:
        """Number of the texts that it was run on."""
        return self.model.manifest["compared"].get("texts", 0)

    @property
    def largest_difference(self) -> str:
        """The largest absolute difference of any output."""
        found = [one["largest_difference"] for one in self._measured]
        return f"{max(found):.1e}" if found else _UNKNOWN

    @property
    def smallest_cosine(self) -> str:
        """The smallest cosine of the vectors of texts and tokens."""
        found = [one["smallest_cosine"] for one in self._measured if "smallest_cosine" in one]
        return f"{min(found):.6f}" if found else _UNKNOWN

    @property
    def equal_labels(self) -> str:
        """The smallest share of equal labels of any output."""
        found = [one["equal_labels"] for one in self._measured if "equal_labels" in one]
        return f"{min(found):.1%}" if found else _UNKNOWN

    @property
    def compared_tokenizer(self) -> tuple[int, int] | None:
        """For how many of how many texts its tokenizer gives the same ids; None without one."""
        found = self.model.manifest.get("tokenizer")
        return (found["texts"] - found["other_ids"], found["texts"]) if found else None

    @property
    def _measured(self) -> Sequence[Mapping[str, Any]]:
        signatures = self.model.manifest["compared"].get("signatures", {})
        return [measured for outputs in signatures.values() for measured in outputs.values()]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Runtime:
    """What runs a format.

    Attributes:
      name: for readers.
      package: the package with the version that a manifest records.
      install: what pip installs.
      rows: the conversions that it runs.
      template: file name of the code that runs the first of them.
    """

    name: str
    package: str
    install: str
    rows: Sequence[Row] = ()
    template: str = ""


_TRANSFORMERS = Runtime(name="transformers", package="transformers", install="transformers torch")
# By the name of the format.
RUNTIMES: Mapping[str, Runtime] = {
    "onnx": Runtime(name="ONNX Runtime", package="onnxruntime", install="onnxruntime"),
    "litert": Runtime(name="LiteRT", package="ai-edge-litert", install="ai-edge-litert"),
    "openvino": Runtime(name="OpenVINO", package="openvino", install="openvino"),
    "huggingface": _TRANSFORMERS,
}
# Of models that take text.
TEXT_RUNTIMES: Mapping[str, Runtime] = {
    "onnx": dataclasses.replace(RUNTIMES["onnx"], install="onnxruntime onnxruntime-extensions"),
    "openvino": dataclasses.replace(RUNTIMES["openvino"], install="openvino openvino-tokenizers"),
    "huggingface": _TRANSFORMERS,
}
_SENTENCE_TRANSFORMERS = dataclasses.replace(
    _TRANSFORMERS, name="sentence-transformers", install="sentence-transformers"
)


def by_runtime(
    model: catalog.PublishedModel, conversions: Mapping[str, catalog.PublishedModel]
) -> list[Runtime]:
    """Returns the runtimes that a model has conversions for, with these.

    Args:
      model: the model.
      conversions: see `Catalog.conversions_of`.
    """
    is_text = model.kind in (manifest.EMBEDDER, manifest.TEXT_MODEL)
    is_embedding = is_text and model.manifest.get("task", _EMBED) == _EMBED
    runtimes = dict(TEXT_RUNTIMES if is_text else RUNTIMES)
    if is_embedding:
        runtimes["huggingface"] = _SENTENCE_TRANSFORMERS
    found = []
    for name, runtime in runtimes.items():
        rows = [
            Row(label=label, model=made, package=runtime.package)
            for label, made in conversions.items()
            if made.manifest["format"] == name
        ]
        if rows:
            template = f"snippet_{name}{'_text' * is_text}.md.jinja"
            found.append(dataclasses.replace(runtime, rows=rows, template=template))
    return found
