"""Origins of released vocabularies and weights, which their files do not tell.

Example:
    known_origins.VOCABULARIES.get(sha256)  # Origin(language="en", ...), None if unknown

The values are the tags of TF Hub's documentation format.
"""

import dataclasses
import re
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """The origin of a vocabulary or weights.

    Attributes:
      language: code of the language.
      license: license of the file.
      dataset: training data; None if TF Hub has no tag for it.
    """

    language: str
    license: str
    dataset: str | None = None


_ALBERT_V2 = Origin(language="en", license="apache-2.0", dataset="wikipedia-and-bookscorpus")

_DEMO = Origin(language="en", license="apache-2.0")

# By the sha256 of the file.
VOCABULARIES: Mapping[str, Origin] = {
    # 30k-clean.model of google-research/albert, spiece.model of albert/albert-*-v2.
    "fefb02b667a6c5c2fe27602d28e5fb3428f66ab89c7d6f388e7c8d44a02d0336": _ALBERT_V2,
    # This project's demo vocabulary; see configs/vocabulary/README.md.
    "54cad1494489f9157233294cb000b7cbd91fcf812d2e5cb55f38bf0845a2fa40": _DEMO,
}

# The repositories of the released models on the Hugging Face hub.
_RELEASED = re.compile(r"albert/albert-(base|large|xlarge|xxlarge)-v[12]@\w+")


def for_repository(repository: str | None) -> Origin | None:
    """Returns the origin of weights from `org/name@commit` of the Hugging Face hub, if known."""
    return _ALBERT_V2 if repository and _RELEASED.fullmatch(repository) else None
