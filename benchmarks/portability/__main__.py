"""Loads the artifacts in many versions of TensorFlow and other runtimes, and writes the results.

    python -m benchmarks.portability
    python -m benchmarks.portability --only=lite_rt,onnx_runtime --page=

The first run makes virtual environments of several GB in <output_dir>/venvs/. Each run writes
<output_dir>/<environment>.json and the section of the page, and prints the tables. The tables list
what does not work; a difference above its limit is an error.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import json
import os
import sys

from absl import flags

from benchmarks.portability import artifacts, environments, matrix, parts, table
from configs import errors
from export.cli import runner

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "build/portability", "Folder for environments, artifacts and results."
)
_ONLY = flags.DEFINE_list(
    "only",
    [],
    "Consumers to run: " + ", ".join(c.module for c in matrix.CONSUMERS) + ". The other consumers "
    "keep their last results. Default: all.",
)
_PAGE = flags.DEFINE_string(
    "page", "docs/reference/portability.md", "File with the section to rewrite; empty for none."
)


def main() -> None:
    output_dir = os.path.abspath(_OUTPUT_DIR.value)
    unknown = set(_ONLY.value) - {consumer.module for consumer in matrix.CONSUMERS}
    if unknown:
        raise errors.InputError(f"--only has unknown names: {', '.join(sorted(unknown))}")
    if _ONLY.value and _PAGE.value:
        _require_others(output_dir)
    _prepare(output_dir)
    results = _measure(output_dir)
    text = table.markdown(results)
    if _PAGE.value:
        with open(_PAGE.value, encoding="utf-8") as file:
            page = table.replace_section(file.read(), text)
        with open(_PAGE.value, "w", encoding="utf-8") as file:
            file.write(page)
    print(text)
    if problems := table.problems(results):
        raise errors.InputError(errors.listing("above the limit", problems))


def _require_others(output_dir: str) -> None:
    """Raises unless the consumers that are not run have results, which the page would lose."""
    missing = [
        f"{consumer.module} in {environment}"
        for consumer in matrix.CONSUMERS
        for environment in consumer.environments
        if consumer.module not in {*_ONLY.value, *_read(output_dir, environment)}
    ]
    if missing:
        title = f"{output_dir} has no results to keep on the page; use --page= or run all"
        raise errors.InputError(errors.listing(title, missing))


def _prepare(output_dir: str) -> None:
    runner.log("exporting the artifacts")
    artifacts.export(output_dir)
    from benchmarks.portability import reference  # imports TensorFlow

    for part in parts.PARTS.values():
        reference.write(output_dir, part)


def _measure(output_dir: str) -> dict[str, dict]:
    """Runs the chosen consumers, and returns the latest results of all, by environment."""
    names = (*environments.ENVIRONMENTS, matrix.PINNED)
    results = {name: _read(output_dir, name) for name in names}
    for name, found in results.items():
        chosen = [
            consumer
            for consumer in matrix.CONSUMERS
            if name in consumer.environments and (not _ONLY.value or consumer.module in _ONLY.value)
        ]
        if not chosen:
            continue
        runner.log(f"{name}: environment")
        python = sys.executable
        if name != matrix.PINNED:
            python = environments.make(name, directory=os.path.join(output_dir, "venvs"))
        for consumer in chosen:
            runner.log(f"{name}: {consumer.module}")
            found[consumer.module] = matrix.measure(consumer, python=python, folder=output_dir)
            with open(_path(output_dir, name), "w", encoding="utf-8") as file:
                json.dump(found, file, indent=1)
    return results


def _read(output_dir: str, environment: str) -> dict:
    try:
        with open(_path(output_dir, environment), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def _path(output_dir: str, environment: str) -> str:
    return os.path.join(output_dir, f"{environment}.json")


if __name__ == "__main__":
    runner.run(main)
