"""Draws the curves, with a panel for each: time on the left axis, memory on the right, from 0.

python -m benchmarks.growth.plot DATA_JSON PNG
"""

import json
import math
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot, ticker

_COLUMNS = 2
_TIME, _MEMORY = "#3b6ea5", ("#c8702a", "#8a8a8a")


def main() -> None:
    data_path, png_path = sys.argv[1:]
    with open(data_path, encoding="utf-8") as file:
        panels = json.load(file)
    rows = math.ceil(len(panels) / _COLUMNS)
    figure, axes = pyplot.subplots(
        rows, _COLUMNS, figsize=(12, 3.2 * rows), squeeze=False, layout="constrained"
    )
    for panel, axis in zip(panels, axes.flat, strict=False):
        _draw(axis, panel)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    figure.savefig(png_path, dpi=110)


def _draw(axis: Any, panel: dict[str, Any]) -> None:
    right = axis.twinx()
    memory_colors = iter(_MEMORY)
    handles = []
    for name, values in panel["lines"].items():
        is_time = name.startswith("time")
        color = _TIME if is_time else next(memory_colors)
        side = axis if is_time else right
        handles += side.plot(panel["x"], values, "o-", color=color, label=name, markersize=4)
    axis.set_xscale("log")
    axis.set_xticks(panel["x"], [f"{x:,.0f}" for x in panel["x"]], fontsize=7)
    axis.xaxis.set_minor_locator(ticker.NullLocator())
    axis.set_yscale("log")
    for formatted in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
        formatted(ticker.FormatStrFormatter("%g"))
    axis.tick_params(axis="y", which="both", labelsize=7)
    right.tick_params(labelsize=7)
    right.set_ylim(0, 1.3 * right.get_ylim()[1])  # room for the legend
    axis.set_xlabel(panel["x_title"], fontsize=8)
    axis.set_title(panel["title"], fontsize=9, loc="left")
    axis.legend(handles=handles, fontsize=7, frameon=False)
    axis.grid(linewidth=0.3)


if __name__ == "__main__":
    main()
