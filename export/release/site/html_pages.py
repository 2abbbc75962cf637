"""The documentation pages as HTML, which browsers get at the address of a model.

Example:
    html_pages.render(markdown, path="tensorflow/albert_en_large/3", base_url="https://example.org")

They need no scripts and no other sites, and their links are relative, so they work at any address
and as files.
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
      path: path of the Markdown file in the release, with `/` and without `.md`.
      base_url: links that begin with it are made relative.
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
        # Tags with addresses are left out, because the text has them.
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
    # A table that is too wide scrolls by itself.
    html = html.replace("<table>", '<div class="table"><table>')
    return markupsafe.Markup(html.replace("</table>", "</table></div>"))


def _links(parsed: Sequence[tokens.Token]) -> Iterator[tokens.Token]:
    for token in parsed:
        if token.type == "link_open":
            yield token
        yield from _links(token.children or [])


def _file(path: str) -> str:
    """Returns the file of a handle, because static hosts serve only files."""
    return path if re.search(r"/\d+\.[a-z.]+$", path) else f"{path}.html"
