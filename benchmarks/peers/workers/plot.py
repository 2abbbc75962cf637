"""Draws the ratios to ours, with a panel for each work item.

python -m benchmarks.peers.workers.plot DATA_JSON PNG
"""

import json
import sys
import textwrap
from typing import Any

from matplotlib import pyplot, ticker

from benchmarks.peers.workers import panel_grid

_COLORS = {"float32": "#3b6ea5", "bfloat16": "#c8702a", "int8": "#5a8f4e"}
_OURS_COLOR = "#222222"
_TITLE_WIDTH = 48  # characters


def main() -> None:
    data_path, png_path = sys.argv[1:]
    with open(data_path, encoding="utf-8") as file:
        shown = json.load(file)
    panels = shown["panels"]
    figure, axes = panel_grid.make(shown, bar_inches=0.24, room_in_bars=2, row_margin=0.6)
    for panel, axis in zip(panels, axes, strict=True):
        _draw(axis, panel)
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
    axis.set_title(textwrap.fill(panel["title"], _TITLE_WIDTH), fontsize=9, loc="left")


def _add_legend(figure: Any) -> None:
    marks = [
        pyplot.Line2D([], [], color=color, marker="o", linestyle="", label=dtype)
        for dtype, color in _COLORS.items()
    ]
    figure.legend(
        handles=marks,
        loc="outside upper center",
        ncols=len(_COLORS),
        title="Time divided by ours of the same type and round (right of 1: ours is faster)",
        frameon=False,
    )


if __name__ == "__main__":
    main()
