"""The documentation pages as HTML, which browsers get at the address of a model.

Example:
    html_pages.render(markdown, path="tensorflow/albert_en_large/3", base_url="https://example.org")

They need no scripts and no other sites, and their links are relative, so they work at any address
and as files. Each has a table of its contents.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence

import markdown_it
import markupsafe
from markdown_it import token as tokens

from export.release.site import rendering

_TAG = re.compile(r"<!-- (?P<key>[\w-]+): (?P<value>.+) -->")
# What is too wide scrolls by itself, also by keyboard.
_SCROLLING = (
    ("<pre>", '<pre tabindex="0">'),
    ("<table>", '<div class="table" tabindex="0"><table>'),
    ("</table>", "</table></div>"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading of a page.

    Attributes:
      level: 2 or 3.
      anchor: its id, unique on the page.
      text: without markup.
    """

    level: int
    anchor: str
    text: str


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
    headings, body = _body("\n".join(text), root=root, base_url=base_url)
    return rendering.html(
        "page.html.jinja",
        title=handle.split()[-1],
        description=description,
        # Tags with addresses are left out, because the text has them.
        tags=[(tag["key"], tag["value"]) for tag in tags if ":" not in tag["value"]],
        headings=headings,
        body=body,
        root=root,
        trail=trail[:1] if names == [publisher] else trail,
        markdown=f"{names[-1]}.md",
    )


def _body(
    markdown: str, *, root: str, base_url: str
) -> tuple[Sequence[Heading], markupsafe.Markup]:
    parser = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
    parsed = parser.parse(markdown)
    for link in _links(parsed):
        href = str(link.attrs["href"])
        if href.startswith(f"{base_url}/"):
            link.attrs["href"] = _file(root + href.removeprefix(f"{base_url}/"))
    headings = _anchor(parsed)
    html = parser.renderer.render(parsed, parser.options, {})
    for tag, replacement in _SCROLLING:
        html = html.replace(tag, replacement)
    return headings, markupsafe.Markup(html)


def _anchor(parsed: Sequence[tokens.Token]) -> Sequence[Heading]:
    """Gives every heading an id, and returns the headings."""
    headings: dict[str, Heading] = {}
    for opening, inline in itertools.pairwise(parsed):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or [])
            slug = re.sub(r"[^\w]+", "-", text.lower()).strip("-")
            others = (f"{slug}-{number}" for number in itertools.count(2))
            anchor = next(one for one in itertools.chain([slug], others) if one not in headings)
            opening.attrs["id"] = anchor
            level = int(opening.tag.removeprefix("h"))
            headings[anchor] = Heading(level=level, anchor=anchor, text=text)
    return list(headings.values())


def _links(parsed: Sequence[tokens.Token]) -> Iterator[tokens.Token]:
    for token in parsed:
        if token.type == "link_open":
            yield token
        yield from _links(token.children or [])


def _file(path: str) -> str:
    """Returns the file of a handle, because static hosts serve only files."""
    return path if re.search(r"/\d+\.[a-z.]+$", path) else f"{path}.html"
