"""Two workers on one machine fine-tune as one does, and go on after one of them was killed."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.support import processes, worker_cluster

EXAMPLE = processes.REPOSITORY / "examples" / "classify_sentence_pairs.py"
# Eight steps in an epoch, and no dropout: its masks would differ.
_SETTINGS = {"BATCH_SIZE": "8", "LEARNING_RATE": "3e-3", "DROPOUT": "0", "OUTPUT_DIR": "classifier"}

pytestmark = pytest.mark.stress


@pytest.fixture(scope="module")
def environment(tiny_encoder, tiny_preprocessor):
    models = {"ENCODER": str(tiny_encoder), "PREPROCESSOR": str(tiny_preprocessor)}
    return processes.environment() | models | _SETTINGS


def _variables(folder):
    """Returns the weights of the model in a folder by name."""
    reader = tf.train.load_checkpoint(str(folder / "classifier" / "variables" / "variables"))
    names = reader.get_variable_to_shape_map()
    weights = (n for n in names if n.startswith("layer_with_weights") and "/_func/" not in n)
    return {name: reader.get_tensor(name) for name in weights}


def _one_worker(folder, environment):
    folder.mkdir()
    done = processes.python(EXAMPLE, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return _variables(folder), done.stdout


def _assert_equal(cluster, expected, *, atol):
    found = _variables(cluster.folders[0])
    assert not (cluster.folders[1] / "classifier").exists()
    assert set(found) == set(expected) and len(found) == 27  # 25 of the encoder
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=atol, err_msg=name)


def test_two_workers_compute_what_one_computes(environment, tmp_path):
    environment = environment | {"EPOCHS": "1"}
    expected, output = _one_worker(tmp_path / "one", environment)
    with worker_cluster.start(tmp_path, EXAMPLE, env=environment) as cluster:
        outputs = cluster.outputs()
    for each in outputs:
        assert "replicas: 2\n" in each
        # Loss and accuracy are those of all workers together.
        assert re.search("loss: .*?accuracy: [0-9.]+", each)[0] in output
        assert each.splitlines()[-2:] == output.splitlines()[-2:]
    _assert_equal(cluster, expected, atol=1e-5)


@pytest.mark.parametrize("killed", [0, 1], ids=["chief", "other"])
def test_workers_go_on_after_one_was_killed(killed, environment, tmp_path):
    environment = environment | {"EPOCHS": "5"}
    expected, _ = _one_worker(tmp_path / "one", environment)
    environment = environment | {"BACKUP_DIR": str(tmp_path / "backup")}
    with worker_cluster.start(tmp_path, EXAMPLE, env=environment) as cluster:
        cluster.wait_for(killed, "Epoch 3/3")
        cluster.kill(killed)
        assert cluster.wait(1 - killed) == 1
        assert re.search("(Unavailable|Aborted)Error", cluster.errors(1 - killed))
        cluster.restart()
        outputs = cluster.outputs()
    for each in outputs:
        assert re.search(r"goes on after epoch [234] of 5\n", each)
    # The gradient of a key's bias is zero but for rounding, which Adam makes steps of.
    _assert_equal(cluster, expected, atol=1e-4)


def test_workers_that_do_not_see_one_backup_are_refused(environment, tmp_path):
    environment = environment | {"BACKUP_DIR": "backup"}  # one in each worker's folder
    with worker_cluster.start(tmp_path, EXAMPLE, env=environment) as cluster:
        cluster.wait_for(0, "Epoch 3/3")
        cluster.kill(0)
        cluster.wait(1)
        cluster.restart()
        for worker in (0, 1):
            assert cluster.wait(worker) == 1
            message = r"all workers must see one BACKUP_DIR, got first epochs \[2 0\]"
            assert re.search(message, cluster.errors(worker))
