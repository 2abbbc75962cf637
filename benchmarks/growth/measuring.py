"""Measures the points of curves, each in a process of its own, and keeps what was found.

Example:
    measuring.run(
        only=["length"], most=1000, output_dir="out", page_path="page.md", plot_path="plot.png"
    )
"""

import datetime
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import machine
from benchmarks.growth import curves, page
from benchmarks.peers import environments, setups
from configs import errors
from export.cli import runner

_PLOT = "benchmarks.growth.plot"


def run(*, only: Sequence[str], most: int, output_dir: str, page_path: str, plot_path: str) -> str:
    """Measures, writes results.json, the page and the picture, and returns the page.

    Args:
      only: names of curves; none for all.
      most: larger points are left out.
      output_dir: folder for artifacts and results; those of other curves are kept.
      page_path: Markdown.
      plot_path: a PNG; without matplotlib it stays as it is.

    Raises:
      errors.InputError: a name is not that of a curve, or a process fails.
    """
    unknown = set(only) - set(curves.CURVES)
    if unknown:
        raise errors.InputError(
            f"--only has {', '.join(sorted(unknown))}; the curves are {', '.join(curves.CURVES)}"
        )
    os.makedirs(output_dir, exist_ok=True)
    path = os.path.join(output_dir, "results.json")
    results: dict[str, Any] = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
    for name in only or curves.CURVES:
        curve = curves.CURVES[name]
        points = [x for x in curve.points if isinstance(x, str) or x <= most]
        _export(curve, points, output_dir)
        load = os.getloadavg()[0]  # of other programs, before this one computes
        results[name] = {
            "load": load,
            "points": _measure(name, curve, points, output_dir),
            "date": datetime.date.today().isoformat(),
            "machine": machine.description(),
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    text = page.markdown(results, picture=os.path.relpath(plot_path, os.path.dirname(page_path)))
    with open(page_path, "w", encoding="utf-8") as file:
        file.write(text)
    _plot(results, plot_path, output_dir)
    return text


def _measure(
    name: str, curve: curves.Curve, points: Sequence[Any], output_dir: str
) -> list[dict[str, Any]]:
    if curve.in_one_process:
        found = _work(curve, points, output_dir)
    else:
        found = []
        for x in points:
            runner.log(f"{name}: {x}")
            found += _work(curve, x, output_dir)
    return [{"x": x, **values} for x, values in zip(points, found, strict=True)]


def _work(curve: curves.Curve, value: Any, output_dir: str) -> list[dict[str, Any]]:
    arguments = json.dumps({**curve.settings, curve.argument: value})
    worker = "benchmarks.growth.worker"
    return json.loads(_output("-m", worker, curve.measure, arguments, output_dir))


def _export(curve: curves.Curve, points: Sequence[Any], output_dir: str) -> None:
    """Exports what a curve needs, unless it is there."""
    exports = os.path.join(output_dir, "exports")

    def export(command: str, name: str, *arguments: str) -> str:
        path = os.path.join(exports, name, "1")
        if not os.path.exists(path):
            runner.log(f"exporting {name}")
            given = ("--export_dir", exports, "--model_name", name, *arguments)
            _output("-m", f"export.{command}", *given)
        return path

    size = curve.settings.get("size", "tiny")
    sizes = points if curve.argument == "size" else [size]
    encoders = [export("encoder", one, "--config", one, "--nomlm") for one in sizes]
    if curve.measure in ("loads", "corpus", "workers"):
        made = export("preprocessor", "preprocess")
        parts = ("--encoder", encoders[0], "--preprocessor", made)
        export("embedder", f"{size}_embedder", *parts)


def _output(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it was killed"])[-1]
        raise errors.InputError(f"python {' '.join(arguments)} failed: {last}")
    return done.stdout


def _plot(results: dict[str, Any], plot_path: str, output_dir: str) -> None:
    data = os.path.join(output_dir, "plot.json")
    with open(data, "w", encoding="utf-8") as file:
        json.dump(page.panels(results), file)
    try:
        venvs = os.path.join(output_dir, "venvs")
        python = environments.make(setups.PLOT_ENVIRONMENT, directory=venvs, log_dir=output_dir)
        subprocess.run([python, "-m", _PLOT, data, plot_path], check=True)
    except (errors.InputError, subprocess.CalledProcessError) as error:
        runner.log(f"no picture was drawn: {error}")
