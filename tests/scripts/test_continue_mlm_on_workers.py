"""Pre-training on two workers computes what one computes, also after one of them was killed."""

import json
import socket

import numpy as np
import pytest
import tensorflow as tf

from tests.support import processes

pytestmark = pytest.mark.stress

_STEPS = 8
_TEXT = "\n".join(
    "\n".join(f"Sentence {number} of document {document}." for number in range(6)) + "\n"
    for document in range(20)
)


@pytest.fixture(scope="module")
def arguments(tiny_preprocessor, tmp_path_factory):
    """The command in a folder, without its output."""
    encoder = processes.exported(
        "export.encoder", "--config", "tiny", "--new_head", "sop", "--model_name", "tiny_sop"
    )
    folder = tmp_path_factory.mktemp("workers")
    (folder / "text.txt").write_text(_TEXT, encoding="utf-8")
    words = ["-m", "scripts.continue_mlm", f"--encoder={encoder}", "--sop", "--batch_size=6"]
    words += [f"--preprocessor={tiny_preprocessor}", f"--text_file={folder / 'text.txt'}"]
    return [*words, f"--num_steps={_STEPS}", "--seq_length=64", "--learning_rate=0.003"]


@pytest.fixture(scope="module")
def alone(arguments, tmp_path_factory):
    """The folder of a training by one worker."""
    folder = tmp_path_factory.mktemp("alone")
    done = processes.python(*arguments, "--output_dir=trained", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "trained"


def _ports(count):
    """Returns ports that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _start(arguments, folder):
    """Starts two workers."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _ports(2)]}
    return [
        processes.start(
            *arguments,
            cwd=folder,
            env={
                **processes.environment(),
                "TF_CONFIG": json.dumps({"cluster": cluster, "task": task}),
            },
        )
        for task in ({"type": "worker", "index": 0}, {"type": "worker", "index": 1})
    ]


def _end(workers):
    """Waits for workers that must succeed; returns what the first wrote to stderr."""
    logs = [worker.communicate()[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], logs
    assert "step" not in logs[1]
    return logs[0]


def _assert_close(directory, other):
    readers = [
        tf.train.load_checkpoint(str(d / "variables" / "variables")) for d in (directory, other)
    ]
    names = [
        name for name, kind in readers[0].get_variable_to_dtype_map().items() if kind == tf.float32
    ]
    assert len(names) > 30
    for name in names:
        first, second = (reader.get_tensor(name) for reader in readers)
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-5, err_msg=name)


def test_two_workers_compute_what_one_computes(arguments, alone, tmp_path):
    _end(_start([*arguments, "--output_dir=trained"], tmp_path))
    _assert_close(alone, tmp_path / "trained")


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_cluster_goes_on(killed, arguments, alone, tmp_path):
    arguments = [*arguments, "--output_dir=trained", "--checkpoint_dir=c", "--save_every=3"]
    workers = _start(arguments, tmp_path)
    for line in workers[0].stderr:
        if "step 4:" in line:
            workers[killed].kill()
            break
    logs = [worker.communicate()[1] for worker in workers]
    assert all(worker.returncode for worker in workers), logs
    assert not (tmp_path / "trained").exists()
    if (
        killed == 1
    ):  # else TensorFlow may end the other process, because the first leads the cluster
        last = logs[0].strip().splitlines()[-1]
        assert last.startswith("error: another worker has ended; start the same command again")
    log = _end(_start(arguments, tmp_path))
    assert "continues after step 3" in log
    _assert_close(alone, tmp_path / "trained")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{}", "TF_CONFIG must have a cluster of workers"),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "TF_CONFIG must have a cluster of workers",
        ),
    ],
)
def test_a_bad_cluster_is_an_error(value, said, arguments, tmp_path):
    environment = {**processes.environment(), "TF_CONFIG": value}
    done = processes.python(*arguments, "--output_dir=new", cwd=tmp_path, env=environment)
    assert processes.error(done).startswith(said)
