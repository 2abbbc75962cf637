"""Measures the documents per second of exported preprocessors.

    python -m benchmarks.preprocessor --preprocessor exports/albert_en_preprocess/1 \\
        --preprocessor /path/of/another

The preprocessors take turns in one process, so that changes of the machine's speed affect them all.
The figures are medians of the rounds, and ratios to the first preprocessor. The text is the
documentation that comes with Python.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import itertools
import pydoc_data.topics
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags

from export.cli import runner

_PREPROCESSOR = flags.DEFINE_multi_string(
    "preprocessor", None, "Folder of an exported preprocessor. Repeatable.", required=True
)
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Number of rounds.", lower_bound=1)

# Words per document, documents per batch.
_CASES = ((20, 1), (20, 32), (20, 1024), (400, 1), (400, 32), (400, 1024))
# A round has at least so many documents, so that it is long enough to measure.
_MIN_DOCUMENTS = 64


def main() -> None:
    import tensorflow_hub as hub
    import tensorflow_text  # noqa: F401, registers the ops

    loaded = [hub.load(path) for path in _PREPROCESSOR.value]
    print("words batch  docs/s of each, ratio to the first")
    for words, batch_size in _CASES:
        rates = measure([*loaded], words=words, batch_size=batch_size, rounds=_ROUNDS.value)
        figures = "  ".join(f"{rate:9.0f} ({rate / rates[0]:4.2f})" for rate in rates)
        print(f"{words:5d} {batch_size:5d}  {figures}", flush=True)


def measure(
    preprocessors: list[Callable[[Any], Any]], *, words: int, batch_size: int, rounds: int
) -> list[float]:
    """Returns the median documents per second of each preprocessor over interleaved rounds."""
    import tensorflow as tf

    documents = _documents(words)
    repeats = max(1, _MIN_DOCUMENTS // batch_size)
    times: list[list[float]] = [[] for _ in preprocessors]
    for _ in range(rounds + 1):
        texts = (list(itertools.islice(documents, batch_size)) for _ in range(repeats))
        batches = [tf.constant(batch) for batch in texts]
        for preprocess, spent in zip(preprocessors, times, strict=True):
            start = time.perf_counter()
            for batch in batches:
                preprocess(batch)
            spent.append(time.perf_counter() - start)
    # The first round is the warm-up.
    return [repeats * batch_size / statistics.median(spent[1:]) for spent in times]


def _documents(words: int) -> Iterator[str]:
    """Yields an endless sequence of documents of that many words."""
    prose = " ".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    stream = itertools.cycle(prose.split())
    while True:
        yield " ".join(itertools.islice(stream, words))


if __name__ == "__main__":
    runner.run(main)
