"""The pages of a release beside its tarballs, for a static host.

Example:
    website.write("dist", publisher="tensorflow", base_url="https://example.org")

Every `<publisher>/<name>/<version>.tar.gz` has a page in Markdown and in HTML. The latest version
of each model has a second name. The collection, the publisher and the release have pages. The same
tarballs give the same bytes. Files appear by a rename.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from importlib import resources

from configs import errors
from export.release import paths
from export.release.site import catalog, html_pages, index_page, model_pages

# The tarball of a model's highest version, which a later release may replace.
LATEST = "latest.tgz"
_STATIC = ("style.css", "search.js")
_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~-]+)*/?", re.ASCII)


def check(base_url: str) -> None:
    """Checks the address of a release.

    Raises:
      errors.ReleaseError: it is not the address of a folder.
    """
    if not _ADDRESS.fullmatch(base_url):
        raise errors.ReleaseError(
            f"--base_url must be like https://models.example.org/folder, got {base_url!r}"
        )


def write(output_dir: str, *, publisher: str, base_url: str) -> None:
    """Writes the pages of a publisher's models and the index page.

    Args:
      output_dir: the folder of the release.
      publisher: name of the folder of its models.
      base_url: public address of the folder, the beginning of the handles in the pages.

    Raises:
      errors.VerificationError: a tarball is damaged, or is not an artifact of this toolchain.
    """
    everything = catalog.read(output_dir)
    models = everything.by_publisher(publisher)
    base_url = base_url.rstrip("/")
    for path, text in _markdown(publisher, models=models, base_url=base_url).items():
        _put(output_dir, f"{path}.md", text)
        _put(output_dir, f"{path}.html", html_pages.render(text, path=path, base_url=base_url))
    _put_copy(output_dir, f"{publisher}/index.html", of=f"{publisher}/{publisher}.html")
    for model in models.latest():
        folder = f"{publisher}/{model.name}"
        _put_copy(output_dir, f"{folder}/index.html", of=f"{model.handle}.html")
        _put_copy(output_dir, f"{folder}/{LATEST}", of=f"{model.handle}{paths.TARBALL}")
    _put(output_dir, "index.html", index_page.render(everything))
    for name in _STATIC:
        file = resources.files("export.release.site") / "templates" / name
        _put(output_dir, name, file.read_text(encoding="utf-8"))


def _markdown(publisher: str, *, models: catalog.Catalog, base_url: str) -> dict[str, str]:
    """Returns the pages by path; TF Hub's documentation format prescribes the paths."""
    found = {
        model.handle: model_pages.module_page(model, models=models, base_url=base_url)
        for model in models.models
    }
    collection = f"{publisher}/collections/{model_pages.COLLECTION}/1"
    found[collection] = model_pages.collection_page(publisher, models=models, base_url=base_url)
    found[f"{publisher}/{publisher}"] = model_pages.publisher_page(
        publisher, models=models, base_url=base_url
    )
    return found


def _put(output_dir: str, path: str, text: str) -> None:
    """Writes a file if its content changes: an unchanged time keeps the caches of clients valid."""
    target = os.path.join(output_dir, path)
    content = text.encode()
    if _read(target) != content:
        with _temporary(target) as temporary:
            with open(temporary, "wb") as file:
                file.write(content)
            paths.publish_file(temporary, target)


def _put_copy(output_dir: str, path: str, *, of: str) -> None:
    """Gives a file a second name, by a hard link if the file system has them."""
    source, target = os.path.join(output_dir, of), os.path.join(output_dir, path)
    # A rename between two names of the same file would leave both.
    if os.path.exists(target) and os.path.samefile(source, target):
        return
    with _temporary(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        paths.publish_file(temporary, target)


@contextlib.contextmanager
def _temporary(target: str) -> Iterator[str]:
    """Yields an unused hidden path beside `target`; a file that is still there is removed."""
    folder, name = os.path.split(target)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f".{name}.tmp")
    with contextlib.suppress(FileNotFoundError):  # of a killed release
        os.unlink(path)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _read(path: str) -> bytes | None:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        return file.read()
    return None
