"""The curves: what is varied, and what is measured at each point.

Example:
    curves.CURVES["length"].points  # (32, 64, ...)
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve.

    Attributes:
      title: what is measured.
      x: what is varied.
      measure: the function of `worker.py` that measures a point.
      points: values of x; for sizes, the names.
      settings: further arguments of the function.
      argument: the one that x is.
      in_one_process: whether one process gives all points, because they are its history.
    """

    title: str
    x: str
    measure: str
    points: tuple[Any, ...]
    argument: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    in_one_process: bool = False


CURVES = {
    "length": Curve(
        title="One row of ALBERT base, all tokens",
        x="tokens",
        measure="calls",
        points=(32, 64, 128, 256, 512),
        argument="length",
        settings={"size": "base", "batch": 1},
    ),
    "batch": Curve(
        title="Rows of 32 tokens, ALBERT base",
        x="rows",
        measure="calls",
        points=(1, 4, 16, 64, 256),
        argument="batch",
        settings={"size": "base", "length": 32},
    ),
    "size": Curve(
        title="One row of 64 tokens",
        x="size",
        measure="calls",
        points=("base", "large", "xlarge", "xxlarge"),
        argument="size",
        settings={"batch": 1, "length": 64},
    ),
    "threads": Curve(
        title="Eight rows of 128 tokens, ALBERT base",
        x="threads",
        measure="calls",
        points=(1, 2),
        argument="threads",
        settings={"size": "base", "batch": 8, "length": 128},
    ),
    "shapes": Curve(
        title="Calls of `unpadded` of tiny, each of another shape",
        x="shapes seen",
        measure="shapes",
        points=(1, 10, 100, 200, 500, 1000, 2000, 3000),
        argument="counts",
        in_one_process=True,
    ),
    "loads": Curve(
        title="Loads of a tiny embedder and calls, each dropped before the next",
        x="loads",
        measure="loads",
        points=(1, 2, 5, 10, 20),
        argument="counts",
        in_one_process=True,
    ),
    "corpus": Curve(
        title="`scripts.embed_corpus` with a tiny embedder, 8 shards",
        x="texts",
        measure="corpus",
        points=(1_000, 10_000, 100_000, 1_000_000),
        argument="num_texts",
        settings={"num_shards": 8},
    ),
    "shards": Curve(
        title="`scripts.embed_corpus` of 10,000 texts with a tiny embedder",
        x="shards",
        measure="corpus",
        points=(1, 4, 16, 64),
        argument="num_shards",
        settings={"num_texts": 10_000},
    ),
    "workers": Curve(
        title="`scripts.embed_corpus` of 6,400 texts with a base embedder on Dask, 64 shards",
        x="workers of one thread",
        measure="workers",
        points=(1, 2),
        argument="num_workers",
        settings={"size": "base", "num_texts": 6_400, "num_shards": 64},
    ),
}
