"""Documentation pages in TF Hub's Markdown format, from the manifests of the released models.

Example:
    models = catalog.read("dist")
    model_pages.module_page(models.models[0], models=models, base_url="https://example.org")

https://www.tensorflow.org/hub/writing_model_documentation: the first line is a handle, the second a
description; then come tags as comments, then Markdown. The text is in
`export/release/site/templates/*.md.jinja`.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from export.metadata import manifest
from export.release import paths
from export.release.site import catalog, conversion_rows, known_origins, rendering

COLLECTION = "albert"
# A tutorial that fine-tunes any encoder of this API.
_COLAB = (
    "https://colab.research.google.com/github/tensorflow/text/blob/master/docs/tutorials/"
    "bert_glue.ipynb"
)
_TASKS = {
    manifest.ENCODER: "text-embedding",
    manifest.PREPROCESSOR: "text-preprocessing",
    manifest.EMBEDDER: "text-embedding",
    manifest.TEXT_MODEL: "text-embedding",
}
# TF Hub's tags of text models, by task.
_TEXT_TASKS = {
    "classify": "text-classification",
    "tag": "text-token-classification",
    "answer": "text-question-answering",
    "fill_mask": "text-language-model",
}
_DIGEST_SHOWN = 12  # first hexadecimal digits of a sha256 in the changelog
_DIGEST = re.compile(r"[0-9a-f]{64}")


def module_page(model: catalog.PublishedModel, *, models: catalog.Catalog, base_url: str) -> str:
    """Returns the page of a version of a model.

    Args:
      model: the version.
      models: all models of its publisher; the page names earlier versions, models of the same
        vocabulary, and what the model was converted to.
      base_url: public address of the release, as `https://example.org`; handles begin with it.
    """
    return rendering.markdown(
        f"{model.kind}.md.jinja",
        model=model,
        base_url=base_url,
        tags=_module_tags(model, base_url),
        origin=_vocabulary(model),
        languages=languages(model),
        encoders=models.same_tokenizer(model, manifest.ENCODER),
        preprocessors=models.same_tokenizer(model, manifest.PREPROCESSOR),
        runtimes=conversion_rows.by_runtime(model, models.conversions_of(model)),
        changes=_changelog(models.versions(model), up_to=model.version),
    )


def collection_page(publisher: str, *, models: catalog.Catalog, base_url: str) -> str:
    """Returns the page of the latest version of each model of a publisher."""
    latest = models.by_publisher(publisher).latest()
    of_kind = {f"{kind}s": [model for model in latest if model.kind == kind] for kind in _TASKS}
    tags = [("network-architecture", "transformer"), ("task", "text-embedding")]
    for key in ("dataset", "language"):
        values = {value for model in latest for tag, value in _origin_tags(model) if tag == key}
        tags += [(key, value) for value in values]
    return rendering.markdown(
        "collection.md.jinja",
        publisher=publisher,
        name=COLLECTION,
        base_url=base_url,
        tags=sorted(tags),
        **of_kind,
    )


def publisher_page(publisher: str, *, models: catalog.Catalog, base_url: str) -> str:
    """Returns the page of a publisher."""
    return rendering.markdown(
        "publisher.md.jinja",
        publisher=publisher,
        name=COLLECTION,
        base_url=base_url,
        models=models.by_publisher(publisher).latest(),
    )


def task(model: catalog.PublishedModel) -> str:
    """Returns TF Hub's tag of what a model does."""
    return _TEXT_TASKS.get(model.manifest.get("task", ""), _TASKS[model.kind])


def languages(model: catalog.PublishedModel) -> Sequence[str]:
    """Returns the languages of a model as BCP 47 tags; empty if they are unknown.

    They are those that the manifest says, or else those of a vocabulary that is known.
    """
    said = (model.encoder or model.preprocessor or {}).get("language")
    origin = _vocabulary(model)
    return said or ([origin.language] if origin else [])


def _vocabulary(model: catalog.PublishedModel) -> known_origins.Origin | None:
    """Returns the origin of a model's vocabulary; None if unknown, or without a vocabulary."""
    return known_origins.VOCABULARIES.get((model.tokenizer or {}).get("sha256", ""))


def _module_tags(model: catalog.PublishedModel, base_url: str) -> list[tuple[str, str]]:
    tags = [
        ("asset-path", f"{base_url}/{model.handle}{paths.TARBALL}"),
        ("colab", _COLAB),
        ("fine-tunable", "false" if model.kind == manifest.PREPROCESSOR else "true"),
        ("format", "saved_model_2"),
        ("task", task(model)),
    ]
    if model.kind != manifest.PREPROCESSOR:
        tags.append(("network-architecture", "transformer"))
    return sorted(tags + _origin_tags(model))


def _origin_tags(model: catalog.PublishedModel) -> list[tuple[str, str]]:
    """Returns language, license and dataset, as far as known for vocabulary and weights."""
    tags = [("language", language) for language in languages(model)]
    vocabulary = _vocabulary(model)
    if not vocabulary:
        return tags
    origin: known_origins.Origin | None = vocabulary
    if model.encoder:
        weights = model.encoder["weights"]
        if weights["source"] == "untrained":
            origin = dataclasses.replace(vocabulary, dataset=None)
        else:
            origin = known_origins.for_repository(weights.get("repository"))
    if origin:
        tags.append(("license", origin.license))
        if origin.dataset:
            tags.append(("dataset", origin.dataset))
    return tags


def _changelog(
    versions: list[catalog.PublishedModel], *, up_to: int
) -> list[tuple[int, list[str]]]:
    """Returns the versions up to one in descending order, each with the changes of its manifest."""
    changes = []
    before: catalog.PublishedModel | None = None
    for model in versions:
        if model.version > up_to:
            break
        lines = _changes(before.manifest, model.manifest) if before else ["First version here."]
        changes.append((model.version, lines or ["The same model, exported again."]))
        before = model
    return changes[::-1]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    old, new = _flat(old), _flat(new)
    return [
        f"{rendering.code(key)}: {_value(old.get(key))}, now {_value(new.get(key))}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested values by their dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(rendering.code, value)) or "none"
    text = str(value)
    return rendering.code(text[:_DIGEST_SHOWN] if _DIGEST.fullmatch(text) else text)
