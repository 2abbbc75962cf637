"""The first page of a release, `index.html`: every model, its size, its digest and its page.

`templates/search.js` searches it by words, task, language, format and size. Without scripts it is a
plain list.
"""

from collections.abc import Mapping, Sequence

from export.conversion import formats
from export.metadata import manifest
from export.release import paths
from export.release.site import catalog, model_pages, rendering

_HEADINGS = {
    manifest.ENCODER: "Encoders",
    manifest.PREPROCESSOR: "Preprocessors",
    manifest.EMBEDDER: "Embedders",
    manifest.TEXT_MODEL: "Text models",
}
_LABELS = {
    paths.STATEMENT: "provenance",
    paths.BILL_OF_MATERIALS: "materials",
    paths.VERIFICATION: "verification",
    paths.SIGNATURE: "signature",
}
_SAVED_MODEL = "SavedModel"  # beside the labels of formats
_MEGABYTES = (1, 3, 10, 30, 100, 300, 1000, 3000)


def render(models: catalog.Catalog) -> str:
    """Returns the page of all released models."""
    latest = models.latest()
    kinds = [
        (heading, [model for model in latest if model.kind == kind])
        for kind, heading in _HEADINGS.items()
    ]
    made = {model.handle: models.conversions_of(model) for model in latest}
    sizes = {
        model.handle: {_SAVED_MODEL: model.num_bytes}
        | {label: other.num_bytes for label, other in made[model.handle].items()}
        for model in latest
    }
    return rendering.html(
        "index.html.jinja",
        title="ALBERT for TensorFlow Hub",
        kinds=[(heading, found) for heading, found in kinds if found],
        # In descending order, without the latest.
        older={model.handle: models.versions(model)[-2::-1] for model in latest},
        formats=made,
        sizes=sizes,
        tasks={model.handle: model_pages.task(model) for model in latest},
        languages={model.handle: model_pages.languages(model) for model in latest},
        choices=_choices(latest, sizes),
        publishers=sorted({model.publisher for model in latest}),
        collection=model_pages.COLLECTION,
        labels=_LABELS.items(),
        root="",
        trail=[],
    )


def _choices(
    latest: Sequence[catalog.PublishedModel], sizes: Mapping[str, Mapping[str, int]]
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Returns what can be searched by: label, name, and the values with their texts."""
    tasks = {model_pages.task(model) for model in latest}
    languages = {language for model in latest for language in model_pages.languages(model)}
    there = {label for found in sizes.values() for label in found}
    labels = [label for label in (_SAVED_MODEL, *formats.LABELS) if label in there]
    all_bytes = [num_bytes for found in sizes.values() for num_bytes in found.values()]
    limits = [
        limit
        for limit in _MEGABYTES
        if min(all_bytes, default=0) <= limit * 10**6 < max(all_bytes, default=0)
    ]
    return [
        ("Task", "task", [(task, task) for task in sorted(tasks)]),
        ("Language", "language", [(language, language) for language in sorted(languages)]),
        ("Format", "format", [(label, label) for label in labels]),
        ("Download", "size", [(str(limit * 10**6), f"up to {limit:,} MB") for limit in limits]),
    ]
