"""Documentation pages as HTML: what a browser gets where TensorFlow Hub gets the model.

Example:
    pages.render(markdown, path="tensorflow/albert_en_large/3", base_url="https://example.org")

They need no script and nothing from elsewhere, and refer to each other by relative paths: they work
below any address, and as files.
"""

import re
from collections.abc import Iterator, Sequence

import markdown_it
import markupsafe
from markdown_it import token as tokens

from export.release.site import rendering

_TAG = re.compile(r"<!-- (?P<key>[\w-]+): (?P<value>.+) -->")


def render(markdown: str, *, path: str, base_url: str) -> str:
    """Returns a page of `export/release/site/model_pages.py` as HTML.

    Args:
      markdown: the page.
      path: where the Markdown lies, with `/` and without `.md`.
      base_url: what those addresses in the page begin with that are made relative.
    """
    handle, description, *lines = markdown.splitlines()
    tags = list(filter(None, map(_TAG.fullmatch, lines)))
    text = [line for line in lines if not _TAG.fullmatch(line)]
    root = "../" * path.count("/")
    publisher, *names = path.split("/")
    trail = [(publisher, f"{root}{publisher}/index.html"), *((name, None) for name in names)]
    return rendering.html(
        "page.html.jinja",
        title=handle.split()[-1],
        description=description,
        # The others are addresses, and stand in the text.
        tags=[(tag["key"], tag["value"]) for tag in tags if ":" not in tag["value"]],
        body=_body("\n".join(text), root=root, base_url=base_url),
        root=root,
        trail=trail[:1] if names == [publisher] else trail,
        markdown=f"{names[-1]}.md",
    )


def _body(markdown: str, *, root: str, base_url: str) -> markupsafe.Markup:
    parser = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
    parsed = parser.parse(markdown)
    for link in _links(parsed):
        href = str(link.attrs["href"])
        if href.startswith(f"{base_url}/"):
            link.attrs["href"] = _file(root + href.removeprefix(f"{base_url}/"))
    html = parser.renderer.render(parsed, parser.options, {})
    # A table that is too wide scrolls on its own.
    html = html.replace("<table>", '<div class="table"><table>')
    return markupsafe.Markup(html.replace("</table>", "</table></div>"))


def _links(parsed: Sequence[tokens.Token]) -> Iterator[tokens.Token]:
    for token in parsed:
        if token.type == "link_open":
            yield token
        yield from _links(token.children or [])


def _file(path: str) -> str:
    """Returns the file of a handle: servers of buckets know no others."""
    return path if re.search(r"/\d+\.[a-z.]+$", path) else f"{path}.html"
