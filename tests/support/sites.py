"""Makes releases for tests: folders with tarballs and their pages.

Example:
    site = sites.Site(tmp_path / "dist")
    site.add("org/albert_en_large/3", sites.encoder("large"))
    site.write()

A tarball may contain only a manifest, because pages use nothing else.
"""

import html.parser
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from configs import albert_config, hub_api
from export.metadata import checksums, manifest
from export.release import paths, tarball
from export.release.site import website

PUBLISHER = "org"
BASE_URL = "https://models.example.org"
# Digest of the vocabulary released with ALBERT.
RELEASED_VOCABULARY = "fefb02b667a6c5c2fe27602d28e5fb3428f66ab89c7d6f388e7c8d44a02d0336"
_TOKENIZER = {"file": "spiece.model", "sha256": RELEASED_VOCABULARY}
_MADE_WITH = {
    "oldest_tensorflow": "2.13",
    "toolchain": {"albert-hub-export": "9.8.7", "tensorflow": "2.21.0"},
}
UNTRAINED = {"source": "untrained", "seed": 7}


def encoder(
    size: str,
    *,
    heads: Sequence[str] = (hub_api.MLM, hub_api.SOP),
    weights: Mapping[str, Any] = UNTRAINED,
    tokenizer: Mapping[str, str] = _TOKENIZER,
    parameters: int = 1234567,
) -> dict[str, Any]:
    """Returns the manifest of an encoder."""
    return {
        "artifact": manifest.ENCODER,
        "config": albert_config.SIZES[size].to_json(),
        "compute_dtype": "float32",
        "custom_ops": [],
        "heads": list(heads),
        "parameters": parameters,
        "weights": dict(weights),
        "tokenizer": dict(tokenizer),
        **_MADE_WITH,
    }


def preprocessor(*, tokenizer: Mapping[str, str] = _TOKENIZER) -> dict[str, Any]:
    """Returns the manifest of a preprocessor."""
    return {
        "artifact": manifest.PREPROCESSOR,
        "boundary": " ",
        "custom_ops": ["SentencepieceOp"],
        "default_seq_length": 96,
        "lower_case": True,
        "parameters": 0,
        "tokenization": "hub",
        "tokenizer": dict(tokenizer),
        **_MADE_WITH,
    }


def text_model(task: str) -> dict[str, Any]:
    """Returns the manifest of a text model."""
    return {
        "artifact": manifest.TEXT_MODEL,
        "custom_ops": ["SentencepieceOp"],
        "made_from": {"encoder": encoder("tiny"), "preprocessor": preprocessor()},
        "max_seq_length": 64,
        "parameters": 1234567,
        "task": task,
        **_MADE_WITH,
    }


_MEASURED = {
    "pooled_output": {"largest_difference": 4.56e-05, "smallest_cosine": 0.999877},
    "sequence_output": {"largest_difference": 1.23e-03, "smallest_cosine": 0.999912},
}
_RUN_BY = {
    "onnx": {"onnx": "1.2.3", "onnxruntime": "4.5.6"},
    "litert": {"tensorflow": "2.21.0", "ai-edge-litert": "7.8.9"},
    "openvino": {"onnx": "1.2.3", "openvino": "2026.1"},
    "huggingface": {"safetensors": "0.1", "tokenizers": "0.2"},
}
_TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"]


def conversion(label: str, *, source_sha256: str) -> dict[str, Any]:
    """Returns the manifest of a conversion; of `huggingface` of one that nothing has run."""
    name, _, quantize = label.partition("-")
    compared = {"texts": 16, "tokens": 354, "signatures": {"serving_default": _MEASURED}}
    signatures = {"serving_default": {"file": "model.onnx"}}
    entries = {"compared": compared, "sizes": {"model.onnx": 70_000_000, "model.bin": 800_000}}
    if name == "huggingface":
        signatures = {head: {"file": "model.safetensors"} for head in ("mlm", "sop")}
        entries = {
            "architecture": "AlbertForMaskedLM",
            "compared": {"weights": 30, "bits_equal": True},
            "sizes": {"model.safetensors": 70_000_000},
            "tokenizer_files": {"files": _TOKENIZER_FILES, "left_out": None, "compared": None},
        }
    return {
        "artifact": manifest.CONVERSION,
        "format": name,
        "quantize": quantize or "none",
        "runtime": _RUN_BY[name],
        "signatures": signatures,
        "source_sha256": source_sha256,
        **entries,
        **_MADE_WITH,
    }


class Site:
    """A release.

    Attributes:
      root: its folder.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def add(self, handle: str, artifact: Mapping[str, Any] | str | pathlib.Path) -> pathlib.Path:
        """Adds a tarball of an artifact's folder or of a manifest, and returns its path."""
        path = self.root / f"{handle}{paths.TARBALL}"
        path.parent.mkdir(parents=True, exist_ok=True)
        directory = artifact
        if isinstance(artifact, Mapping):
            directory = self._artifact(handle)
            file = directory / manifest.FILE
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(artifact))
            checksums.write(str(directory))
        tarball.write(str(directory), str(path))
        return path

    def convert(self, handle: str, label: str, **changes: Any) -> pathlib.Path:
        """Adds a conversion of a model that was added as a manifest, and returns its path.

        Args:
          handle: of the model.
          label: of the format.
          changes: entries of its manifest.
        """
        digest = checksums.recorded_digest(str(self._artifact(handle)))
        made = conversion(label, source_sha256=digest or "") | changes
        publisher, name, version = handle.split("/")
        return self.add(f"{publisher}/{name}-{label}/{version}", made)

    def _artifact(self, handle: str) -> pathlib.Path:
        return self.root.parent / "artifacts" / handle

    def write(self, *, publisher: str = PUBLISHER, base_url: str = BASE_URL) -> None:
        """Writes the pages."""
        website.write(str(self.root), publisher=publisher, base_url=base_url)

    def text(self, path: str) -> str:
        """Returns the content of a file."""
        return (self.root / path).read_text(encoding="utf-8")


class Page(html.parser.HTMLParser):
    """A parsed page.

    Attributes:
      links: the addresses of its links, style sheets and scripts.
      anchors: the ids of its elements.
      tags: the names of its elements.
      text: its text.
    """

    _VOID = ("meta", "link", "br", "hr", "img", "input", "wbr")

    def __init__(self, source: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        self.anchors += [value for name, value in attrs if name == "id" and value]
        if tag not in self._VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
