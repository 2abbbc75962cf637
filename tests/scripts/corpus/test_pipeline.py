"""Options of the pipeline: the runner's, and what follows from them."""

import os

import pytest

from scripts.corpus import pipeline

_PROCESSES = "--direct_running_mode=multi_processing"


@pytest.mark.parametrize(
    ("cores", "flags", "expected"),
    [
        (8, [], 0),  # TensorFlow's choice, the cores there are
        (8, [_PROCESSES, "--direct_num_workers=2"], 4),
        (8, [_PROCESSES, "--direct_num_workers=0"], 1),  # Beam starts one for each core
        (2, [_PROCESSES, "--direct_num_workers=3"], 1),
        (8, ["--direct_num_workers=2"], 0),  # in one process
    ],
)
def test_local_worker_processes_share_the_cores(cores, flags, expected, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    options = pipeline.options("FnApiRunner", flags, cluster="", num_shards=3)
    assert pipeline.threads(options) == expected


def test_partitions_are_the_shards_unless_the_user_says_otherwise():
    def partitions(*flags):
        made = pipeline.options("DaskRunner", flags, cluster="tcp://h:1", num_shards=7)
        options = made.get_all_options()
        assert options["address"] == "tcp://h:1"
        return options["npartitions"], options["partition_size"]

    assert partitions() == (7, None)
    assert partitions("--dask_npartitions=3") == (3, None)
    assert partitions("--dask_partition_size=2") == (None, 2)
