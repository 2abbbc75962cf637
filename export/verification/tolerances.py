"""How much the outputs of an artifact may differ from what its checkpoint computes.

Example:
    limit = tolerances.tolerance("exports/albert_en_large/1")  # 2e-5
"""

from export.metadata import manifest

# Largest difference that is allowed, as a share of the largest magnitude of the output and at least
# of 1. Frameworks differ among themselves by 4e-6 on the golden models, whose outputs are of order
# 1; a wrong gelu makes 1e-3 there, a wrong epsilon 5e-4.
TOLERANCES = {
    "float32": 2e-5,
    # bfloat16 keeps 8 bits: each rounding is off by up to 2**-9, and they add up over the layers to
    # 0.026 for the pooled output of the large size.
    "bfloat16": 0.05,
}


def tolerance(artifact: str) -> float:
    """Returns the tolerance of the dtype that the artifact in a directory computes in."""
    return TOLERANCES[manifest.read(artifact).get("compute_dtype", "float32")]
