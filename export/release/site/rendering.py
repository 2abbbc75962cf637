"""Renders the templates in `export/release/site/templates`.

Example:
    rendering.markdown("encoder.md.jinja", model=model)
    rendering.html("index.html.jinja", models=models)

HTML is escaped. Markdown is not: free text goes through the filter `code`.
"""

import functools
import re
from typing import Any

import jinja2
import markupsafe

from export.release.site import op_libraries


def markdown(template: str, **values: Any) -> str:
    """Returns Markdown, without superfluous empty lines of the template."""
    text = _environment(escape=False).get_template(template).render(values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def html(template: str, **values: Any) -> str:
    """Returns HTML."""
    return _environment(escape=True).get_template(template).render(values)


def code(value: object) -> str:
    """Returns any text as a Markdown code span, without effect as markup."""
    text = " ".join(str(value).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def megabytes(num_bytes: int) -> str:
    """Returns a size in MB, of 10^6 bytes."""
    return f"{num_bytes / 1e6:,.1f} MB"


def breakable(handle: str) -> markupsafe.Markup:
    """Returns a handle as HTML that breaks after the publisher, or else after `/` and `_`."""
    publisher, slash, rest = handle.partition("/")
    parts = [publisher + slash, *([rest] if rest else [])]
    pieces = [
        markupsafe.Markup("<wbr>").join(re.findall(r"[^/_]*[/_]+|[^/_]+", part)) for part in parts
    ]
    return markupsafe.Markup("").join(
        markupsafe.Markup('<span class="part">{}</span>').format(piece) for piece in pieces
    )


@functools.cache
def _environment(*, escape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("export.release.site"),
        autoescape=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "breakable": breakable,
        "code": code,
        "megabytes": megabytes,
        "op_libraries": op_libraries.names,
    }
    return environment
