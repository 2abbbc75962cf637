"""Draws the rows that users ask for: a panel for each, a bar for each project and type.

python -m benchmarks.peers.workers.summary_plot DATA_JSON PNG
"""

import json
import sys
from typing import Any

from matplotlib import patches

from benchmarks.peers.workers import panel_grid

_OURS, _OTHERS = "#c8702a", "#8fa6bf"


def main() -> None:
    data_path, png_path = sys.argv[1:]
    with open(data_path, encoding="utf-8") as file:
        shown = json.load(file)
    panels = shown["panels"]
    figure, axes = panel_grid.make(shown, bar_inches=0.21, room_in_bars=1.5, row_margin=0.2)
    for panel, axis in zip(panels, axes, strict=True):
        _draw(axis, panel)
    figure.legend(
        handles=[patches.Patch(color=_OURS), patches.Patch(color=_OTHERS)],
        labels=["this project", "others"],
        loc="outside upper right",
        ncols=2,
        title="Less is better",
        frameon=False,
        fontsize=8,
    )
    figure.savefig(png_path, dpi=110)


def _draw(axis: Any, panel: dict[str, Any]) -> None:
    bars = panel["bars"]
    colors = [_OURS if bar["engine"].startswith("ours") else _OTHERS for bar in bars]
    drawn = axis.barh(range(len(bars)), [bar["value"] for bar in bars], color=colors, height=0.75)
    axis.bar_label(drawn, [_label(bar) for bar in bars], padding=4, fontsize=8)
    axis.set_yticks(range(len(bars)), [_name(bar) for bar in bars], fontsize=8)
    axis.set_ylim(len(bars) - 0.4, -0.6)
    axis.set_xlim(0, 1.3 * max(bar["value"] for bar in bars))
    axis.xaxis.set_visible(False)
    axis.tick_params(axis="y", length=0)
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
    axis.set_title(panel["title"], fontsize=9, loc="left", fontweight="bold")


def _name(bar: dict[str, Any]) -> str:
    return f"{bar['family']}, {bar['dtype']}"


def _label(bar: dict[str, Any]) -> str:
    runtime = bar["engine"].partition(" in ")[2].removesuffix(f" {bar['dtype']}")
    value = f"{bar['value']:.0f}" if bar["value"] >= 10 else f"{bar['value']:.2g}"
    return f"{value} ({runtime})" if runtime and bar["engine"].startswith("ours") else value


if __name__ == "__main__":
    main()
