"""The page of what grows, from the results.

Example:
    page.markdown(results, picture="../growth.png")
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.growth import curves

# Title, unit, and the factor to it, by name in the results; those that have an exponent first.
_COLUMNS = {
    "seconds": ("time", "s", 1.0),
    "call_bytes": ("memory of a call", "MB", 1e-6),
    "peak_bytes": ("peak memory", "MB", 1e-6),
    "steady_bytes": ("memory afterwards", "MB", 1e-6),
    "load_seconds": ("load", "s", 1.0),
    "loaded_bytes": ("memory when loaded", "MB", 1e-6),
    "texts_per_second": ("rate", "texts/s", 1.0),
}
_DRAWN = ("seconds", "call_bytes", "peak_bytes", "steady_bytes", "texts_per_second")
# Parameters of the encoder with its pooler, by which sizes are drawn.
_PARAMETERS = {"base": 11.7e6, "large": 17.7e6, "xlarge": 58.7e6, "xxlarge": 222.6e6}

_HEAD = """\
# What grows

Time and memory against length, batch, size, threads, distinct shapes, loads, corpora and workers.
This page is written by

    python -m benchmarks.growth

where `--only` measures some of the curves. Each point is a new process, but for shapes and loads,
which are the history of one. Weights are random, and rows are full.

- The load average is that of all programs just before a curve: where it is far from 0, others used
  the machine, and times are not of this project alone.
- A time is the median of seven calls after one. Of shapes it is that of one row of 64 tokens after
  so many shapes; of loads, that of all so far; of a corpus, that of the command, with start and
  imports.
- The rate of several workers is counted from when each has written its first shard: their start,
  and the load of the model, are left out.
- Memory of a call is the peak of the process, less what it had when the model was loaded.
- The **exponent** is the slope of a straight line through the logarithms: 0 is constant, 1 is
  proportional, 2 quadratic. Of sizes it is against parameters.

Attention grows faster than the work: its time and its memory grow with the square of the length, so
doubling a row of 256 tokens costs more than twice the time. Two things grow that should not. Loads:
a SentencePiece tokenizer of TensorFlow Text keeps about 5 MB when it is dropped, with models of
others, too. Distinct shapes: memory grows ever more slowly, and is not flat at the last point.

![Time and memory of each curve]({picture})
"""


def markdown(results: Mapping[str, Any], *, picture: str) -> str:
    """Returns the page, with the curves that were measured."""
    parts = [_HEAD.format(picture=picture)]
    for name, curve in curves.CURVES.items():
        if name in results:
            found = results[name]
            parts.append(f"## {name.capitalize()}\n")
            said = f"{found['date']}, {found['machine']}, load average {found['load']:.1f} before"
            parts.append(f"{curve.title}. {said}.\n")
            parts.append(_table(curve, found["points"]))
    return "\n".join(parts)


def panels(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns what is drawn: for each curve, x, and by the name of a line its values."""
    drawn = []
    for name, curve in curves.CURVES.items():
        points = results.get(name, {}).get("points", [])
        if points:
            lines = {}
            for column in _DRAWN:
                if column in points[0]:
                    title, unit, factor = _COLUMNS[column]
                    lines[f"{title}, {unit}"] = [point[column] * factor for point in points]
            x_title = "parameters" if curve.argument == "size" else curve.x
            panel = {"title": curve.title.replace("`", ""), "x_title": x_title}
            drawn.append({**panel, "x": _numbers(points), "lines": lines})
    return drawn


def exponent(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Returns the slope of log y against log x by least squares; None if it is not defined."""
    pairs = [(math.log(a), math.log(b)) for a, b in zip(x, y, strict=True) if a > 0 and b > 0]
    if len({a for a, _ in pairs}) < 2:
        return None
    mean_x = sum(a for a, _ in pairs) / len(pairs)
    mean_y = sum(b for _, b in pairs) / len(pairs)
    products = sum((a - mean_x) * (b - mean_y) for a, b in pairs)
    return products / sum((a - mean_x) ** 2 for a, _ in pairs)


def _numbers(points: Sequence[Mapping[str, Any]]) -> list[float]:
    return [float(_PARAMETERS.get(point["x"], point["x"])) for point in points]


def _table(curve: curves.Curve, points: Sequence[Mapping[str, Any]]) -> str:
    columns = [column for column in _COLUMNS if column in points[0]]
    heads = [f"{_COLUMNS[column][0]}, {_COLUMNS[column][1]}" for column in columns]
    rows = [[curve.x, *heads], ["---"] * (len(heads) + 1)]
    for point in points:
        x = point["x"] if isinstance(point["x"], str) else f"{point['x']:,}"
        rows.append([x, *(_value(point[column] * _COLUMNS[column][2]) for column in columns)])
    numbers = _numbers(points)
    slopes = [exponent(numbers, [point[column] for point in points]) for column in columns]
    rows.append(["**exponent**", *("-" if s is None else f"**{s:.2f}**" for s in slopes)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _value(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
