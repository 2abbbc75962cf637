"""Batches of masked rows from text files: complete, as the seed says, and with a position."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from configs import hub_api
from scripts.pretraining import batches
from scripts.pretraining.settings import Settings
from tests.support import preprocess_artifacts

_MASK_SHARE = 0.15


@pytest.fixture(scope="module")
def preprocessor():
    return preprocess_artifacts.load("default")


def _settings(paths, **changed):
    values = {
        "encoder": "",
        "preprocessor": "",
        "text_files": tuple(map(str, paths)),
        "sop": False,
        "num_steps": 1,
        "batch_size": 4,
        "seq_length": 32,
        "learning_rate": 1e-3,
        "warmup": 0.1,
        "weight_decay": 0.01,
        "seed": 3,
    }
    return Settings(**values | changed)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Three files; a word is in one line only."""
    folder = tmp_path_factory.mktemp("text")
    numbers = itertools.count()
    for name in "abc":
        documents = [
            "\n".join(f"The number {next(numbers)} is one more than before." for _ in range(5))
            for _ in range(4)
        ]
        (folder / f"{name}.txt").write_text("\n \n".join(documents) + "\n")
    return sorted(folder.iterdir())


def _take(count, settings, preprocessor):
    dataset = batches.masked(settings, preprocessor=preprocessor)
    return [dict(batch) for batch in dataset.take(count).as_numpy_iterator()]


def _texts(found, preprocessor):
    """Returns the text of every row, unmasked, sorted."""
    texts = []
    for batch in found:
        ids = batch[hub_api.INPUT_WORD_IDS].copy()
        rows, columns = np.nonzero(batch[hub_api.MASKED_LM_WEIGHTS])
        positions = batch[hub_api.MASKED_LM_POSITIONS][rows, columns]
        ids[rows, positions] = batch[hub_api.MASKED_LM_IDS][rows, columns]
        lengths = batch[hub_api.INPUT_MASK].sum(axis=1)
        ragged = tf.RaggedTensor.from_tensor(ids, lengths=lengths)
        texts += [text.decode() for text in preprocessor.tokenize.detokenize(ragged).numpy()]
    return sorted(texts)


@pytest.fixture(scope="module")
def epoch(paths, preprocessor):
    return _take(15, _settings(paths), preprocessor)  # 60 lines in batches of 4


def test_an_epoch_has_every_line_of_all_files_once(epoch, preprocessor):
    texts = _texts(epoch, preprocessor)
    for number in range(60):
        assert sum(f" {number} " in text for text in texts) == 1, number


@pytest.mark.stress
def test_the_seed_decides_and_the_order_is_mixed(paths, preprocessor):
    first, again, other = (
        _take(3, _settings(paths, seed=seed), preprocessor) for seed in (3, 3, 4)
    )
    for one, same in zip(first, again, strict=True):
        assert one.keys() == same.keys()
        for name, column in one.items():
            np.testing.assert_array_equal(column, same[name])
    assert _texts(first, preprocessor) != _texts(other, preprocessor)
    assert _texts(first, preprocessor) != _texts(
        _take(3, _settings(paths[:1]), preprocessor), preprocessor
    )


def test_pairs_are_lines_of_one_document_and_the_labels_say_their_order(paths, preprocessor):
    settings = _settings(paths, sop=True, batch_size=6, seq_length=64)  # a document in a row
    found = _take(8, settings, preprocessor)
    labels = []
    for batch in found:
        assert batch[batches.ORDER_WEIGHTS].tolist() == [1.0] * 6
        labels += batch[batches.ORDER_LABELS].tolist()
        special = preprocessor.tokenize.get_special_tokens_dict()
        ids, types = batch[hub_api.INPUT_WORD_IDS], batch[hub_api.INPUT_TYPE_IDS]
        for row, type_ids, label in zip(ids, types, batch[batches.ORDER_LABELS], strict=True):
            (ends,) = np.nonzero(row == int(special["end_of_segment_id"]))
            assert len(ends) == 2 and type_ids[ends].tolist() == [0, 1]
            assert label in (0, 1)
    assert 0.2 < np.mean(labels) < 0.8
    texts = " ".join(_texts(found, preprocessor))
    assert all(f" {number} " in texts for number in range(60))


def test_as_many_tokens_are_predicted_as_alberts_and_no_column_is_padding(epoch):
    for batch in epoch:
        weights = batch[hub_api.MASKED_LM_WEIGHTS]
        lengths = batch[hub_api.INPUT_MASK].sum(axis=1)
        most = np.maximum(np.round(lengths * _MASK_SHARE), 1)
        assert (weights.sum(axis=1) <= most).all()
        assert weights.sum(axis=1).max() == weights.shape[1] == most.max()


@pytest.mark.stress
def test_a_saved_iterator_goes_on_where_it_was(paths, preprocessor, tmp_path):
    settings = _settings(paths, sop=True)
    expected = _take(20, settings, preprocessor)  # more than an epoch
    iterator = iter(batches.masked(settings, preprocessor=preprocessor))
    for _ in range(7):
        next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "checkpoint"))
    resumed = iter(batches.masked(settings, preprocessor=preprocessor))
    tf.train.Checkpoint(iterator=resumed).restore(path).assert_consumed()
    for batch in expected[7:]:
        for name, column in next(resumed).items():
            np.testing.assert_array_equal(column, batch[name])


@pytest.mark.stress
def test_whether_there_are_pairs_is_known(paths, preprocessor, tmp_path):
    assert batches.has_pairs(_settings(paths), preprocessor=preprocessor)
    single = tmp_path / "single.txt"
    single.write_text("One line.\n\nAnother document.\n")
    assert not batches.has_pairs(_settings([single]), preprocessor=preprocessor)
