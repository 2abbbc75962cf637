"""Draws the curves, with a panel for each: time on the left axis, memory on the right, from 0.

python -m benchmarks.growth.plot DATA_JSON PNG
"""

import json
import math
import sys
from collections.abc import Iterable, Sequence
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
        color = _TIME if _is_time(name) else next(memory_colors)
        side = axis if _is_time(name) else right
        handles += side.plot(panel["x"], values, "o-", color=color, label=name, markersize=4)
    axis.set_xscale("log")
    axis.set_xticks(panel["x"], [_number(x) for x in panel["x"]], fontsize=7)
    axis.xaxis.set_minor_locator(ticker.NullLocator())
    axis.set_yscale("log")
    axis.set_ylim(*_decades(values for name, values in panel["lines"].items() if _is_time(name)))
    axis.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axis.yaxis.set_minor_formatter(ticker.NullFormatter())
    axis.yaxis.set_visible(any(map(_is_time, panel["lines"])))
    axis.tick_params(axis="y", labelsize=7)
    right.tick_params(labelsize=7)
    right.set_ylim(0, 1.3 * right.get_ylim()[1])  # room for the legend
    axis.set_xlabel(panel["x_title"], fontsize=8)
    axis.set_title(panel["title"], fontsize=9, loc="left")
    axis.legend(handles=handles, fontsize=7, frameon=False)
    axis.grid(linewidth=0.3)


def _is_time(name: str) -> bool:
    return name.startswith("time")


def _decades(lines: Iterable[Sequence[float]]) -> tuple[float, float]:
    """Returns the powers of ten around all values, so that small differences look small."""
    found = [value for values in lines for value in values] or [1.0]
    low, high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
    return 10.0**low, 10.0 ** max(high, low + 1)


def _number(value: float) -> str:
    for unit, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{suffix}"
    return f"{value:.3g}"


if __name__ == "__main__":
    main()
