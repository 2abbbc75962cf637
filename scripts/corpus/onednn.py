"""Whether a model computes a corpus faster with oneDNN's kernels or without, by trying both.

Example:
    value = onednn.choose(settings, batch, trust=False, log=print)  # onednn.ON is with them
    os.environ[onednn.VARIABLE] = value  # before TensorFlow is imported

Which is faster depends on the CPU and on the batches (docs/measurements/onednn.md), and
TensorFlow's own default on the CPU alone. Both give the same but for the last bits.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from export.publishing import subprocesses
from export.saved_models import loading
from scripts.corpus import batching, models, plan, records

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
ON, OFF = "1", "0"
# Of a smaller corpus both trials take longer than they can save.
MIN_CORPUS_BYTES = 4_000_000
_TRIAL_BYTES = 4096  # of one batch
_TRIAL_RECORDS = 1024
_CALLS = 3

Batch = tuple[Sequence[bytes], Sequence[bytes]]  # texts, and the second texts of pairs


def batch(
    ranges: Sequence[records.FileRange], options: records.ReadOptions, *, has_pairs: bool
) -> Batch:
    """Returns a batch as a shard has them: of texts of similar length, the median one among them.

    Args:
      ranges: of a shard.
      options: how to read them.
      has_pairs: whether every record has two texts.
    """
    found: list[records.Record] = []
    for record in (one for part in ranges for one in records.read(part, options)):
        if isinstance(record, records.Record):
            found.append(record)
        if len(found) == _TRIAL_RECORDS:
            break
    lengths = [len(record.text) + len(record.pair) for record in found]
    batches = batching.by_length(lengths, budget=_TRIAL_BYTES)
    chosen = [found[index] for index in batches[len(batches) // 2]] if batches else []
    return [one.text for one in chosen], [one.pair for one in chosen] if has_pairs else []


def choose(
    settings: models.Settings, texts: Batch, *, trust: bool, log: Callable[[str], None]
) -> str:
    """Returns the value of `VARIABLE` with which the model computes the texts faster.

    It is empty if the model cannot be run: whoever runs it next says why.

    Args:
      settings: of the model.
      texts: a batch of the corpus.
      trust: whether the model is run without reading its graph first.
      log: called with a line about what was measured.
    """
    content = json.dumps(
        {
            "settings": settings,
            "texts": [[one.hex() for one in part] for part in texts],
            "trust": trust,
        }
    )
    found = {value: _seconds(content, value) for value in (ON, OFF)}
    seconds = {value: one for value, one in found.items() if one is not None}
    if len(seconds) < len(found):
        return ""
    log(
        f"a batch of {len(texts[0])} texts takes {seconds[ON]:.3g} s with oneDNN and "
        f"{seconds[OFF]:.3g} s without; --onednn=on or off skips this"
    )
    return min(seconds, key=lambda value: seconds[value])


def _seconds(content: str, value: str) -> float | None:
    """Returns what a batch takes in a process with that value; None if it fails."""
    done = subprocess.run(
        [sys.executable, "-c", "from scripts.corpus import onednn; onednn.measure()"],
        input=content,
        env={**subprocesses.environment(), VARIABLE: value},
        capture_output=True,
        text=True,
    )
    return float(done.stdout) if done.returncode == 0 else None


def measure() -> None:
    """Reads a model's settings and a batch from stdin, and prints the least seconds of a call."""
    content = json.load(sys.stdin)
    settings = models.Settings(*content["settings"])
    with loading.trusting(content["trust"]):
        plan.audit(settings.folder)
    model = models.Model(settings)
    texts, pairs = ([bytes.fromhex(one) for one in part] for part in content["texts"])
    seconds = []
    for _ in range(1 + _CALLS):  # the first one traces
        start = time.perf_counter()
        model(texts, pairs)
        seconds.append(time.perf_counter() - start)
    print(min(seconds[1:]))
