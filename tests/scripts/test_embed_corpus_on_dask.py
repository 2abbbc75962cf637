"""A corpus on a Dask cluster: every text once, the bits of a run on one machine, after a kill, too.

`pytest --stress` does it with 20,000 and with 100,000 texts, and processes that talk over TCP. The
sample without it has the cluster in the test's own process.
"""

import contextlib
import subprocess

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
from apache_beam.internal import cloudpickle

import scripts.corpus
from scripts.corpus import models, pipeline, plan, records, shards
from tests.support import corpora, dask_cluster, processes, real_sentences

_SHARDS = 64


def _arguments(folder, embedder, texts):
    (folder / "in.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return (
        *("--model", embedder, "--input", folder / "in.txt", "--input_format", "text"),
        *("--output", "out", "--num_shards", _SHARDS, "--threads", 1),
    )


@pytest.mark.stress
@pytest.mark.parametrize("count", [20_000, 100_000])
def test_a_killed_worker_costs_no_text_and_no_bit(count, tiny_embedder, tmp_path):
    sentences = real_sentences.of_docstrings(count)
    # The two runs might find another choice the faster one, whose last bits are others.
    arguments = (*_arguments(tmp_path, tiny_embedder, sentences), "--onednn", "on")
    (tmp_path / "direct").mkdir()
    corpora.run(*arguments, cwd=tmp_path / "direct")
    ids, expected = corpora.vectors(tmp_path / "direct" / "out")
    folder = tmp_path / "out" / "vectors"
    with dask_cluster.start(tmp_path, workers=2) as cluster:
        options = ("--runner", "DaskRunner", "--cluster", cluster.address)
        process = processes.start("-m", corpora.MODULE, *arguments, *options, cwd=tmp_path)
        while not folder.is_dir() or len(list(folder.iterdir())) < 20:
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, stderr = process.communicate(timeout=0.02)
                pytest.fail(f"it ended with {process.returncode} before the kill: {stderr}")
        published = len(list(folder.iterdir()))
        cluster.workers[0].kill()
        stdout, stderr = process.communicate()
        loads = cluster.loads.read_text().split()
        workers = {str(worker.pid) for worker in cluster.workers}
    assert (process.returncode, stdout) == (0, "out\n"), stderr
    assert 20 <= published < _SHARDS
    found_ids, found = corpora.vectors(tmp_path / "out")
    assert len(set(found_ids)) == len(found_ids) == count and found_ids == ids
    np.testing.assert_array_equal(found, expected)
    # Both workers took part, each with one model.
    assert sorted(loads) == sorted(workers)
    print(f"{count:,} texts; a worker was killed after {published} of {_SHARDS} shards: {stderr}")


@pytest.fixture
def address():
    """Yields that of a scheduler with two workers, threads of this process."""
    import distributed  # not when tests are collected

    options = {"processes": False, "protocol": "tcp", "dashboard_address": None}
    options |= {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address
        distributed.default_client().close()


def test_every_shard_is_a_task_and_the_model_is_loaded_once(
    address, tiny_embedder, monkeypatch, tmp_path
):
    loads = []
    load = hub.load
    monkeypatch.setattr(hub, "load", lambda folder: loads.append(folder) or load(folder))
    texts = real_sentences.of_python(100)
    (tmp_path / "in.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    read_options = records.ReadOptions(records.TEXT, "", "", 1_000_000)
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    model = models.Settings(str(tiny_embedder), models.EMBED, 512, False, threads)
    settings = shards.Settings(read_options, model, str(tmp_path / "out"), 8, 16_384)
    planned = plan.make(
        [str(tmp_path / "in.txt")], read_options=read_options, num_shards=8, model={"digest": ""}
    )
    options = pipeline.options("DaskRunner", [], cluster=address, num_shards=8)
    try:
        pipeline.run(planned.shards(), settings, options)
    finally:
        cloudpickle.unregister_pickle_by_value(scripts.corpus)
    ids, found = corpora.vectors(tmp_path / "out")
    offsets = np.cumsum([0, *(len(text.encode()) + 1 for text in texts[:-1])])
    assert ids == sorted(f"{tmp_path / 'in.txt'}:{offset}" for offset in offsets)
    assert found.shape == (100, 32) and loads == [str(tiny_embedder)]
