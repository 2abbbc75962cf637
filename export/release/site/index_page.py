"""The first page of a release, `index.html`: every model, its size, its digest and its page."""

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
    paths.SIGNATURE: "signature",
}


def render(models: catalog.Catalog) -> str:
    """Returns the page of all released models."""
    latest = models.latest()
    kinds = [
        (heading, [model for model in latest if model.kind == kind])
        for kind, heading in _HEADINGS.items()
    ]
    return rendering.html(
        "index.html.jinja",
        title="ALBERT for TensorFlow Hub",
        kinds=[(heading, found) for heading, found in kinds if found],
        # In descending order, without the latest.
        older={model.handle: models.versions(model)[-2::-1] for model in latest},
        formats={model.handle: models.conversions_of(model) for model in latest},
        publishers=sorted({model.publisher for model in latest}),
        collection=model_pages.COLLECTION,
        labels=_LABELS.items(),
        root="",
        trail=[],
    )
