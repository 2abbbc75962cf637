"""Tolerances between the outputs of an artifact and those of its checkpoint.

Example:
    limit = tolerances.tolerance("exports/albert_en_large/1")  # 2e-5
"""

from collections.abc import Mapping
from typing import Any

from export.metadata import manifest

# The largest difference allowed, relative to the largest magnitude of the output or to 1, whichever
# is larger. Frameworks differ by 4e-6 on the golden models, whose outputs are of order 1; a wrong
# gelu differs by 1e-3, a wrong epsilon by 5e-4.
TOLERANCES = {
    "float32": 2e-5,
    # bfloat16 has 8 bits: each rounding is off by up to 2**-8. Such errors at random after every
    # operation of the NumPy model move the pooled output of the large size by 0.0155, root mean
    # square; this is three times that. It is off by 0.026 with oneDNN, and by 0.038 without.
    "bfloat16": 0.05,
}


def tolerance(artifact: str) -> float:
    """Returns the tolerance for the compute dtype of the artifact in a directory."""
    return TOLERANCES[manifest.read(artifact).get("compute_dtype", "float32")]


# Of the scores and vectors of text models, which are of order 1. Pipelines of transformers differ
# from ours by 1.3e-6 on 420 texts.
SCORES = 1e-5


def of_text_model(entries: Mapping[str, Any]) -> tuple[float, float]:
    """Returns the tolerances of logits and of scores of a text model, from its manifest."""
    encoder = entries["made_from"][manifest.ENCODER]
    compute_dtype = encoder.get("compute_dtype", "float32")
    logits = TOLERANCES[compute_dtype]
    return logits, SCORES if compute_dtype == "float32" else logits
