"""Tags of the languages of a model, as BCP 47 has them (RFC 5646).

Example:
    language_tags.parse("en,pt-br,zh-hant")  # ("en", "pt-BR", "zh-Hant")
"""

import re

from configs import errors

# Language, script, region and variants, which are enough for the text of a model.
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})"
    r"(?P<script>-[a-z]{4})?"
    r"(?P<region>-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
)


def parse(text: str) -> tuple[str, ...]:
    """Returns the tags of a list with commas, in its order and in the usual case.

    Only their form is checked, not whether a registry has them.

    Raises:
      errors.ConfigError: one is malformed, or is there twice.
    """
    tags = tuple(map(_usual_case, text.split(",")))
    if len(set(tags)) < len(tags):
        raise errors.ConfigError(f"--language has a tag twice: {text!r}")
    return tags


def _usual_case(tag: str) -> str:
    found = _TAG.fullmatch(tag.strip().lower())
    if found is None:
        raise errors.ConfigError(
            f"--language must be BCP 47 tags like en, pt-BR or zh-Hant with commas between them, "
            f"got {tag!r}"
        )
    script, region = found["script"] or "", found["region"] or ""
    return found["language"] + script.title() + region.upper() + found["variants"]
