"""Measures how many documents a second exported preprocessors turn into inputs of the encoder.

    python benchmarks/preprocessor.py --preprocessor exports/albert_en_preprocess/1 \\
        --preprocessor /path/of/another

All are loaded into one process and take turns, so that they meet the same machine; the figures are
medians of the rounds. `ratio` is against the first. The text is English prose: the documentation
that comes with Python.
"""

import itertools
import pydoc_data.topics
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags

from export.cli import runner

_PREPROCESSOR = flags.DEFINE_multi_string(
    "preprocessor",
    None,
    "Folder of an exported preprocessor. Repeatable. Required.",
    required=True,
)
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Rounds to take the median of.", lower_bound=1)

# Words a document, documents a batch.
_CASES = ((20, 1), (20, 32), (20, 1024), (400, 1), (400, 32), (400, 1024))
# A round of a small batch is repeated, so that the clock has something to measure.
_MIN_DOCUMENTS = 64


def main() -> None:
    import tensorflow_hub as hub
    import tensorflow_text  # noqa: F401 (registers the ops)

    loaded = [hub.load(path) for path in _PREPROCESSOR.value]
    print("words batch  docs/s of each, ratio to the first")
    for words, batch_size in _CASES:
        rates = measure([*loaded], words=words, batch_size=batch_size, rounds=_ROUNDS.value)
        figures = "  ".join(f"{rate:9.0f} ({rate / rates[0]:4.2f})" for rate in rates)
        print(f"{words:5d} {batch_size:5d}  {figures}", flush=True)


def measure(
    preprocessors: list[Callable[[Any], Any]], *, words: int, batch_size: int, rounds: int
) -> list[float]:
    """Returns the documents a second of every preprocessor, the median of interleaved rounds."""
    import tensorflow as tf

    documents = _documents(words)
    repeats = max(1, _MIN_DOCUMENTS // batch_size)
    times: list[list[float]] = [[] for _ in preprocessors]
    for _ in range(rounds + 1):
        batches = [
            tf.constant(list(itertools.islice(documents, batch_size))) for _ in range(repeats)
        ]
        for preprocess, spent in zip(preprocessors, times, strict=True):
            start = time.perf_counter()
            for batch in batches:
                preprocess(batch)
            spent.append(time.perf_counter() - start)
    # The first round warms up.
    return [repeats * batch_size / statistics.median(spent[1:]) for spent in times]


def _documents(words: int) -> Iterator[str]:
    """Yields documents of that many words, for ever."""
    prose = " ".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    stream = itertools.cycle(prose.split())
    while True:
        yield " ".join(itertools.islice(stream, words))


if __name__ == "__main__":
    runner.run(main)
