"""What the page of a model says of the formats that it was converted to.

Example:
    for runtime in conversion_rows.by_runtime(models.conversions_of(model)):
        runtime.name, [row.label for row in runtime.rows]

All of it is in the manifests of the conversions. The code that runs a format is in
`export/release/site/templates/snippet_<format>.md.jinja`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from export.release.site import catalog

_UNKNOWN = "-"


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


# By the name of the format.
RUNTIMES: Mapping[str, Runtime] = {
    "onnx": Runtime(name="ONNX Runtime", package="onnxruntime", install="onnxruntime"),
    "litert": Runtime(name="LiteRT", package="ai-edge-litert", install="ai-edge-litert"),
    "openvino": Runtime(name="OpenVINO", package="openvino", install="openvino"),
    "huggingface": Runtime(
        name="transformers", package="transformers", install="transformers torch"
    ),
}


def by_runtime(conversions: Mapping[str, catalog.PublishedModel]) -> list[Runtime]:
    """Returns the runtimes that a model has conversions for, with these.

    Args:
      conversions: see `Catalog.conversions_of`.
    """
    found = []
    for name, runtime in RUNTIMES.items():
        rows = [
            Row(label=label, model=model, package=runtime.package)
            for label, model in conversions.items()
            if model.manifest["format"] == name
        ]
        if rows:
            template = f"snippet_{name}.md.jinja"
            found.append(dataclasses.replace(runtime, rows=rows, template=template))
    return found
