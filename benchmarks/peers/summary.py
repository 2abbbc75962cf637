"""The rows that users ask for, as data for the summary plot: one sentence, a batch, a step, a load.

Example:
    summary.panels(results)[0]["bars"][0]["value"]
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.peers import engines, measurements, rounds, spreads

OURS = "this project, TensorFlow"
OURS_ELSEWHERE = "this project, best runtime"


class _Row(NamedTuple):
    """A panel: an item and a metric of it, divided by `unit`."""

    title: str
    item: str
    metric: str
    unit: float = 1.0


_ROWS = (
    _Row("One sentence to a vector, s", "text_1", "seconds"),
    _Row("32 sentences of real lengths, s", "inference_b32_realistic", "seconds"),
    _Row("Fine-tuning step, 8 sentences of real lengths, s", "train_b8_realistic", "seconds"),
    _Row("Load and first call, s", "load", "ready_seconds"),
    _Row("Size of the files, MB", "load", "artifact_bytes", 1e6),
)
# The engines that are one bar for each type, by the beginnings of their names.
_FAMILIES = (
    (OURS, ("ours",)),
    (OURS_ELSEWHERE, ("ours",)),
    ("Model Garden", ("Model Garden",)),
    ("transformers, torch", ("Transformers",)),
    ("optimum, ONNX Runtime", ("Optimum in ONNX", "Optimum longest in ONNX", "torch.onnx")),
    ("optimum, OpenVINO", ("Optimum in OpenVINO", "Optimum longest in OpenVINO")),
    ("KerasHub", ("KerasHub",)),
)


def panels(results: rounds.Results) -> list[dict[str, Any]]:
    """Returns a panel for each row that was measured: by family and type, the best median.

    The bars of a panel are dicts of `family`, `engine`, `dtype` and `value`. A type that is smaller
    than float32 is the better of bfloat16 and int8.
    """
    measured = measurements.Measurements(results.measurements, results.gemm_rates)
    found = []
    for row in _ROWS:
        bars = []
        for family, beginnings in _FAMILIES:
            of_family = [
                engine
                for engine in measured.engines_of(row.item)
                if engine.name.startswith(beginnings)
                and not (engine.ours and (" in " in engine.name) != (family == OURS_ELSEWHERE))
            ]
            for smaller in (False, True):
                chosen = [one for one in of_family if (one.dtype != engines.FLOAT32) == smaller]
                bar = _best(measured, row, chosen)
                if bar:
                    bars.append({"family": family, **bar})
        if bars:
            found.append({"title": row.title, "bars": bars})
    return found


def _best(
    measured: measurements.Measurements, row: _Row, chosen: Sequence[engines.Engine]
) -> dict[str, Any] | None:
    medians = {}
    for engine in chosen:
        values = measured.series(row.item, engine.name, row.metric)
        if values:
            medians[engine] = spreads.spread(list(values.values())).median / row.unit
    if not medians:
        return None
    best = min(medians, key=lambda engine: medians[engine])
    return {"engine": best.name, "dtype": best.dtype, "value": medians[best]}
