"""The grid of panels that both plots have.

Example:
    figure, axes = panel_grid.make(shown, bar_inches=0.24, room_in_bars=2, row_margin=0.6)
"""

import math
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

_COLUMNS = 2


def make(
    shown: dict[str, Any], *, bar_inches: float, room_in_bars: float, row_margin: float
) -> tuple[Any, list[Any]]:
    """Returns a figure and an axis for each panel, in rows that are as high as their bars need.

    Args:
      shown: `panels`, each with a list of `bars`, and the `caption` of the figure.
      bar_inches: height of a bar.
      room_in_bars: height of a panel beyond its bars, in bars.
      row_margin: inches of the figure for each row beyond that.
    """
    panels = shown["panels"]
    rows = math.ceil(len(panels) / _COLUMNS)
    counts = [len(panel["bars"]) for panel in panels]
    heights = [room_in_bars + max(counts[row * _COLUMNS :][:_COLUMNS]) for row in range(rows)]
    figure, axes = pyplot.subplots(
        rows,
        _COLUMNS,
        figsize=(12, bar_inches * sum(heights) + row_margin * rows),
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
    )
    figure.supxlabel(shown["caption"], fontsize=7)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    return figure, list(axes.flat[: len(panels)])
