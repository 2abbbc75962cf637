"""Measures one point, or the points of one process, and prints them as JSON.

python -m benchmarks.growth.worker calls '{"size": "base", "batch": 1, "length": 32}' BUILD_DIR
"""

import contextlib
import gc
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_CALLS = 7
_WORDS = ("river", "night", "bridge", "slowly", "Paris", "violin", "morning", "the", "a", "of")


def calls(build_dir: str, *, size: str, batch: int, length: int, threads: int = 2) -> list[Any]:
    """Returns the time of a call, and the memory that it needs beyond that of the loaded model."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    start = time.perf_counter()
    loaded = tf.saved_model.load(os.path.join(build_dir, "exports", size, "1"))
    load_seconds = time.perf_counter() - start
    resident = _memory("VmRSS")
    encode = loaded.signatures["unpadded"]
    inputs = _inputs(tf, batch, length)
    seconds = _seconds(lambda: encode(**inputs)["pooled_output"].numpy())
    peak = _memory("VmHWM")
    return [
        {
            "load_seconds": load_seconds,
            "seconds": seconds,
            "loaded_bytes": resident,
            "call_bytes": max(peak - resident, 0),
            "steady_bytes": _memory("VmRSS"),
        }
    ]


def shapes(build_dir: str, *, counts: Sequence[int]) -> list[Any]:
    """Returns the time of a call, and memory, after so many calls, each of another shape."""
    import tensorflow as tf

    loaded = tf.saved_model.load(os.path.join(build_dir, "exports", "tiny", "1"))
    encode = loaded.signatures["unpadded"]
    one_shape = _inputs(tf, 1, 64)
    found = []
    for number in range(max(counts)):
        inputs = _inputs(tf, 1 + number // 512, 1 + number % 512)
        encode(**inputs)["pooled_output"].numpy()
        if number + 1 in counts:
            found.append(_steady(_seconds(lambda: encode(**one_shape)["pooled_output"].numpy())))
    return found


def loads(build_dir: str, *, counts: Sequence[int]) -> list[Any]:
    """Returns what the process has after so many loads, each with a call, and none kept."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401, registers the ops

    start, found = time.perf_counter(), []
    for number in range(max(counts)):
        loaded = tf.saved_model.load(os.path.join(build_dir, "exports", "tiny_embedder", "1"))
        loaded(tf.constant(["The river rose."])).numpy()
        del loaded
        gc.collect()
        if number + 1 in counts:
            found.append(_steady(time.perf_counter() - start))
    return found


def corpus(build_dir: str, *, num_texts: int, num_shards: int) -> list[Any]:
    """Returns the time and the peak of a run of the command on short texts."""
    with _embedded(build_dir, "tiny", num_texts, num_shards) as (_, seconds, peak_bytes):
        return [{"seconds": seconds, "peak_bytes": peak_bytes}]


def workers(
    build_dir: str, *, size: str, num_texts: int, num_shards: int, num_workers: int
) -> list[Any]:
    """Returns the rate of Dask workers of one thread, after each has written its first shard."""
    import distributed

    given = {"protocol": "tcp", "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(n_workers=num_workers, threads_per_worker=1, **given) as cluster:
        address = cluster.scheduler_address
        options = ("--threads", "1", "--runner", "DaskRunner", "--cluster", address)
        with _embedded(build_dir, size, num_texts, num_shards, *options) as (output, *_):
            folder = os.path.join(output, "vectors")
            written = sorted(os.stat(shard).st_mtime for shard in os.scandir(folder))
    assert len(written) == num_shards, written
    texts = num_texts * (num_shards - num_workers) / num_shards
    return [{"texts_per_second": texts / (written[-1] - written[num_workers - 1])}]


@contextlib.contextmanager
def _embedded(
    build_dir: str, size: str, num_texts: int, num_shards: int, *options: str
) -> Iterator[tuple[str, float, int]]:
    """Yields the output of embed_corpus of short texts, its time and the peak of its process."""
    generator = random.Random(num_texts)
    with tempfile.TemporaryDirectory(dir=build_dir) as folder:
        source, output = os.path.join(folder, "texts.txt"), os.path.join(folder, "vectors")
        with open(source, "w", encoding="utf-8") as file:
            for number in range(num_texts):
                words = generator.choices(_WORDS, k=generator.randint(3, 15))
                file.write(f"{number} {' '.join(words)}\n")
        command = [sys.executable, "-m", "scripts.embed_corpus", "--input_format", "text"]
        command += ["--model", os.path.join(build_dir, "exports", f"{size}_embedder", "1")]
        command += ["--input", source, "--output", output, "--num_shards", str(num_shards)]
        start = time.perf_counter()
        command += options
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise RuntimeError(f"{' '.join(command)} failed")
        yield output, seconds, usage.ru_maxrss * 1024


def _inputs(tf: Any, batch: int, length: int) -> dict[str, Any]:
    ids = tf.fill([batch, length], 5)
    names = ("input_word_ids", "input_mask", "input_type_ids")
    return dict(zip(names, (ids, tf.ones_like(ids), tf.zeros_like(ids)), strict=True))


def _seconds(call: Callable[[], Any]) -> float:
    call()
    times = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _steady(seconds: float) -> dict[str, float]:
    return {"seconds": seconds, "steady_bytes": _memory("VmRSS")}


def _memory(field: str) -> int:
    """Returns bytes that Linux says this process has (VmRSS), or had at most (VmHWM)."""
    with open("/proc/self/status", encoding="ascii") as file:
        found = re.search(rf"^{field}:\s*(\d+) kB$", file.read(), re.MULTILINE)
    assert found, field
    return 1024 * int(found[1])


if __name__ == "__main__":
    name, given, folder = sys.argv[1:]
    measures: dict[str, Callable[..., list[dict[str, float]]]] = {
        "calls": calls,
        "shapes": shapes,
        "loads": loads,
        "corpus": corpus,
        "workers": workers,
    }
    print(json.dumps(measures[name](folder, **json.loads(given))))
