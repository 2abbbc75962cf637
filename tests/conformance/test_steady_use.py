"""Loaded models in long-running programs: parts without their root, threads, datasets, loops."""

import concurrent.futures
import functools
import gc
import itertools
import multiprocessing
import operator
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the preprocessor's ops

from configs import hub_api
from tests.conformance import table
from tests.support import memory, preprocess_artifacts, sampling, text_models

ATOL = 1e-5  # batches of another shape are added in another order
_CASES = {str(case): case for case in table.CASES}
_TEXTS = [f"a river, number {n}, in Paris " * (n % 7 + 1) for n in range(32)]
_RAGGED = tf.ragged.constant([[10, 11], [12]], dtype=tf.int32)


def _packed():
    ids = tf.constant([[2, 10, 11, 3]])
    return dict(zip(hub_api.ENCODER_INPUTS, (ids, tf.ones_like(ids), ids * 0), strict=True))


def _encoder(name="tiny-encoder"):
    return table.directory(_CASES[name].artifact)


def _signature(name, **inputs):
    return lambda root: root.signatures[name], lambda part: part(**inputs)


def _part(path, *inputs):
    return operator.attrgetter(path), lambda part: part(*inputs)


_SENTENCES = tf.constant(_TEXTS[:3])
_preprocessor = functools.partial(preprocess_artifacts.directory, "default")
_word_pieces = functools.partial(preprocess_artifacts.directory, "word_pieces")
_heads = functools.partial(_encoder, "heads-unpadded.classify")
_classifier = functools.partial(text_models.directory, "single")

# By name: the folder, what takes a part of the loaded model, and what calls the part.
PARTS = {
    "unpadded": (_encoder, *_signature("unpadded", **_packed())),
    "mlm": (_encoder, *_part("mlm", _CASES["tiny-mlm"].inputs())),
    "unpadded.mlm": (_encoder, *_part("unpadded.mlm", _CASES["tiny-mlm"].inputs())),
    "unpadded.classify": (_heads, *_part("unpadded.classify", _packed())),
    "tokenize": (_preprocessor, *_part("tokenize", _SENTENCES)),
    "offsets": (_preprocessor, *_part("tokenize_with_offsets", _SENTENCES)),
    "bert_pack_inputs": (_preprocessor, *_part("bert_pack_inputs", [_RAGGED], tf.constant(8))),
    "split_windows": (
        _preprocessor,
        *_part("split_windows", _RAGGED, tf.constant(8), tf.constant(4)),
    ),
    "mask_lm": (_preprocessor, *_part("mask_lm", _packed(), tf.constant([1, 2]))),
    "ids": (_preprocessor, *_signature("serving_default", sentences=_SENTENCES)),
    "word_pieces": (_word_pieces, *_part("tokenize", _SENTENCES)),
    "word_piece_ids": (_word_pieces, *_signature("serving_default", sentences=_SENTENCES)),
    "text": (_classifier, *_signature("serving_default", sentences=_SENTENCES)),
    "pairs": (_classifier, *_part("pairs", {"first": _SENTENCES, "second": _SENTENCES})),
}


def _arrays(outputs):
    return [value.numpy() for value in tf.nest.flatten(outputs, expand_composites=True)]


@pytest.mark.stress
@pytest.mark.parametrize("name", tuple(PARTS))
def test_a_part_works_when_its_root_is_gone(name):
    directory, take, call = PARTS[name]
    root = hub.load(str(directory()))
    expected = _arrays(call(take(root)))
    del root
    part = take(hub.load(str(directory())))
    gc.collect()
    for got, value in zip(_arrays(call(part)), expected, strict=True):
        np.testing.assert_array_equal(got, value)


@functools.cache
def _expected():
    return text_models.serve("single", sentences=_TEXTS)


def _check(outputs, rows):
    for name, values in _expected().items():  # of the signature; the object gives more
        value, expected = outputs[name], values[rows]
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(value, expected, atol=ATOL, rtol=0, err_msg=name)
        else:
            np.testing.assert_array_equal(value, expected, err_msg=name)


def _requests():
    """Returns slices of the texts, of different sizes and places."""
    return itertools.cycle(slice(n, n + 1 + n % 5) for n in range(len(_TEXTS) - 5))


def test_sixteen_threads_get_their_own_answers_from_one_model():
    serve = text_models.load("single").signatures["serving_default"]
    _expected()
    requests = list(itertools.islice(_requests(), 64))
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        outputs = threads.map(lambda rows: serve(sentences=tf.constant(_TEXTS[rows])), requests)
        for rows, output in zip(requests, outputs, strict=True):
            _check(output, rows)


@pytest.mark.stress
def test_memory_does_not_grow_in_a_minute_of_sixteen_threads():
    serve = text_models.load("single").signatures["serving_default"]
    _expected()
    requests, lock, counts = _requests(), threading.Lock(), []
    end = time.monotonic() + 60

    def work():
        count = 0
        while time.monotonic() < end:
            with lock:
                rows = next(requests)
            _check(serve(sentences=tf.constant(_TEXTS[rows])), rows)
            count += 1
        counts.append(count)

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        running = [threads.submit(work) for _ in range(16)]
        concurrent.futures.wait(running, timeout=10)
        early = memory.resident()
        for one in running:
            one.result()
    late = memory.resident()
    print(f"{sum(counts)} calls; {early / 1e6:.0f} MB after 10 s, {late / 1e6:.0f} MB after 60 s")
    assert late < 1.05 * early


@pytest.mark.stress
def test_a_dataset_maps_in_parallel():
    model = text_models.load("single")
    batches = tf.data.Dataset.from_tensor_slices(_TEXTS).batch(4)
    mapped = list(batches.map(lambda texts: model(texts), num_parallel_calls=8))
    for number, outputs in enumerate(mapped):
        _check(outputs, slice(4 * number, 4 * number + 4))
    assert len(mapped) == len(_TEXTS) / 4


@pytest.mark.stress
def test_another_thread_and_a_device_may_load_and_call():
    outputs = []

    def load_and_call():
        with tf.device("/CPU:0"):
            outputs.append(hub.load(_classifier())(tf.constant(_TEXTS)))

    thread = threading.Thread(target=load_and_call)
    thread.start()
    thread.join()
    with tf.device("/CPU:0"):
        outputs.append(text_models.load("single")(tf.constant(_TEXTS)))
    for output in outputs:
        _check(output, slice(None))


def _in_another_process(directory):
    return {k: v.numpy() for k, v in hub.load(directory)(tf.constant(_TEXTS)).items()}


@pytest.mark.stress
def test_a_spawned_process_may_load_and_call():
    """A forked one hangs in its first op, once the parent has run one: see the page on serving."""
    _expected()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        _check(pool.apply(_in_another_process, [_classifier()]), slice(None))


ACCEPTED = {
    "list": ["a river", "Paris"],
    "objects": np.array(["a river", "Paris"], object),
    "unicode": np.array(["a river", "Paris"]),
    "empty": tf.constant([], tf.string),
}
REFUSED = {
    "scalar": tf.constant("a river"),
    "column": tf.constant([["a river"], ["Paris"]]),
    "ragged": tf.ragged.constant([["a river"], ["Paris", "a"]]),
    "numbers": tf.constant([1, 2]),
}


@sampling.parametrize("kind", tuple(ACCEPTED), sample=("objects",))
def test_texts_may_be_lists_and_arrays_and_none_at_all(kind):
    model = text_models.load("single")
    texts = ACCEPTED[kind]
    expected = model(tf.constant(texts, tf.string))["scores"].numpy()
    assert len(expected) == len(texts)
    for outputs in (model(texts), model.signatures["serving_default"](sentences=texts)):
        np.testing.assert_allclose(outputs["scores"], expected, atol=ATOL, rtol=0)


@sampling.parametrize("kind", tuple(REFUSED), sample=("column",))
def test_what_is_not_a_row_of_texts_is_refused(kind):
    model = text_models.load("single")
    serve = model.signatures["serving_default"]
    for call in (model, lambda texts: serve(sentences=texts)):
        with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
            call(REFUSED[kind])


@pytest.mark.stress
def test_a_thousand_lengths_need_ever_less_memory():
    """oneDNN keeps what it prepared for a shape, for a limited number of shapes."""
    serve = hub.load(_encoder()).signatures["unpadded"]
    had = [memory.resident()]
    for number in range(1000):
        ids = tf.fill([1 + number // 16, 1 + number % 16], 5)
        shaped = (ids, tf.ones_like(ids), tf.zeros_like(ids))
        serve(**dict(zip(hub_api.ENCODER_INPUTS, shaped, strict=True)))
        if number in (499, 999):
            had.append(memory.resident())
    print(*(f"{one / 1e6:.0f} MB" for one in had))
    assert had[2] - had[1] < 0.5 * (had[1] - had[0])


@pytest.mark.stress
@pytest.mark.parametrize("name", ["unpadded", "word_pieces"])
def test_twenty_loads_that_are_dropped_need_no_more_memory_than_the_first_few(name):
    """A SentencePiece model is not among them: TensorFlow Text never frees one."""
    directory, take, call = PARTS[name]
    had = []
    for _ in range(20):
        call(take(hub.load(str(directory()))))
        gc.collect()
        had.append(memory.resident())
    print(*(f"{one / 1e6:.0f} MB" for one in had))
    assert had[-1] < 1.05 * had[4]
