"""Draws the ratios to ours, with a panel for each work item.

python -m benchmarks.peers.workers.plot DATA_JSON PNG
"""

import json
import math
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot, ticker

_COLUMNS = 2
_COLORS = {"float32": "#3b6ea5", "bfloat16": "#c8702a"}
_OURS_COLOR = "#222222"


def main() -> None:
    data_path, png_path = sys.argv[1:]
    with open(data_path, encoding="utf-8") as file:
        panels = json.load(file)
    rows = math.ceil(len(panels) / _COLUMNS)
    counts = [len(panel["bars"]) for panel in panels]
    heights = [2 + max(counts[row * _COLUMNS :][:_COLUMNS]) for row in range(rows)]
    figure, axes = pyplot.subplots(
        rows,
        _COLUMNS,
        figsize=(12, 0.24 * sum(heights) + 0.6 * rows),
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
    )
    for panel, axis in zip(panels, axes.flat, strict=False):
        _draw(axis, panel)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    _add_legend(figure)
    figure.savefig(png_path, dpi=110)


def _draw(axis: Any, panel: dict[str, Any]) -> None:
    bars = panel["bars"]
    for height, bar in enumerate(bars):
        color = _COLORS[bar["dtype"]]
        errors = [[bar["median"] - bar["low"]], [bar["high"] - bar["median"]]]
        axis.errorbar(
            bar["median"],
            height,
            xerr=errors,
            fmt="s" if bar["ours"] else "o",
            color=color,
            markersize=5,
            capsize=3,
        )
        axis.annotate(
            f"{bar['median']:.2f}",
            (bar["high"], height),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    axis.axvline(1, color=_OURS_COLOR, linewidth=0.8)
    axis.set_yticks(range(len(bars)), [bar["engine"] for bar in bars], fontsize=8)
    axis.set_ylim(len(bars) - 0.5, -0.5)
    axis.set_xscale("log")
    low = min(1.0, *(bar["low"] for bar in bars))
    high = max(1.0, *(bar["high"] for bar in bars))
    axis.set_xlim(low / 1.2, high * 1.5)
    axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axis.xaxis.set_minor_formatter(ticker.NullFormatter())
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", linewidth=0.3)
    axis.set_title(panel["title"], fontsize=9, loc="left")


def _add_legend(figure: Any) -> None:
    marks = [
        pyplot.Line2D([], [], color=color, marker="o", linestyle="", label=dtype)
        for dtype, color in _COLORS.items()
    ]
    figure.legend(
        handles=marks,
        loc="outside upper center",
        ncols=2,
        title="Time divided by ours of the same type and round (right of 1: ours is faster)",
        frameon=False,
    )


if __name__ == "__main__":
    main()
