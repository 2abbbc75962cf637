"""Text models on workers: from texts to the columns of a shard's file.

Example:
    model = models.Model(settings)
    table, num_cut = model([b"A fine film."], [])  # columns label, score, scores, truncated

As all code on workers, it does not import this project.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

EMBED, CLASSIFY, TAG, ANSWER = "embed", "classify", "tag", "answer"
# Name of the output's folder, by task.
FOLDERS = {EMBED: "vectors", CLASSIFY: "labels", TAG: "entities", ANSWER: "answers"}

CUT = "cut"
WINDOWS = "windows"  # how `ANSWER` reads long contexts
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
_NUM_SPECIAL_TOKENS = 2  # [CLS] and [SEP]
_TOKENS_PER_BYTE = 6  # at most: U+FDFA, of three bytes, becomes 18 characters

_ENTITY = {
    "label": pa.string(),
    "score": pa.float32(),
    "start": pa.int32(),
    "end": pa.int32(),
    "text": pa.string(),
}
_Outputs = Mapping[str, np.ndarray]


class Settings(NamedTuple):
    """What a worker must know of the model.

    Attributes:
      folder: folder of the artifact.
      task: a key of `FOLDERS`.
      max_seq_length: tokens after which the model cuts a text.
      has_pairs: whether every record has two texts.
      threads: TensorFlow's threads per process; 0 for the cores there are.
      long_texts: `CUT`, `WINDOWS`, or how the vectors of a long text's parts are pooled.
      onednn: value of TF_ENABLE_ONEDNN_OPTS; empty to leave it as it is.
    """

    folder: str
    task: str
    max_seq_length: int
    has_pairs: bool
    threads: int
    long_texts: str = CUT
    onednn: str = ""


class Model:
    """A loaded model. It is loaded once in each worker process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tf = _start_tensorflow(settings)
        import tensorflow_hub as hub

        self._loaded = hub.load(settings.folder)
        # Unlike the object, a signature is not traced and optimized for every size of a batch.
        is_pair_of_sentences = settings.task == CLASSIFY and settings.has_pairs
        name = "pairs" if is_pair_of_sentences else "serving_default"
        self._signature = self._loaded.signatures[name]
        self._columns = _COLUMNS[settings.task]
        self._num_tokens: Any = None

    def __call__(self, texts: Sequence[bytes], pairs: Sequence[bytes]) -> tuple[pa.Table, int]:
        """Returns the columns of a batch, and how many of its texts were cut.

        Args:
          texts: in UTF-8.
          pairs: the second text of each, or its question; empty without `Settings.has_pairs`.
        """
        tensors = {name: self._tf.constant(value) for name, value in self._inputs(texts, pairs)}
        outputs = {name: value.numpy() for name, value in self._signature(**tensors).items()}
        return pa.table(self._columns(outputs)), self._num_cut(texts, outputs)

    def _inputs(
        self, texts: Sequence[bytes], pairs: Sequence[bytes]
    ) -> list[tuple[str, np.ndarray]]:
        first, second = (np.array(values, object) for values in (texts, pairs))
        if self._settings.task == ANSWER:
            return [("questions", second), ("contexts", first)]
        if self._settings.has_pairs:
            return [("first", first), ("second", second)]
        return [("sentences", first)]

    def _num_cut(self, texts: Sequence[bytes], outputs: _Outputs) -> int:
        if "truncated" in outputs:
            return int(outputs["truncated"].sum())
        if self._settings.task != EMBED:
            return 0
        # The artifact of export.embedder does not say what it cuts.
        room = self._settings.max_seq_length - _NUM_SPECIAL_TOKENS
        may_be_long = [text for text in texts if len(text) * _TOKENS_PER_BYTE > room]
        if not may_be_long:
            return 0
        if self._num_tokens is None:
            tf = self._tf
            self._num_tokens = tf.function(
                lambda sentences: self._loaded.tokenize(sentences).row_lengths(),
                input_signature=[tf.TensorSpec([None], tf.string)],
                autograph=False,
            )
        return int((self._num_tokens(self._tf.constant(may_be_long)).numpy() > room).sum())


def _start_tensorflow(settings: Settings) -> Any:
    """Imports TensorFlow and the models' ops in a worker process, as the settings say.

    The environment that TensorFlow reads when it is imported has to be set here.
    """
    threads = settings.threads
    if settings.onednn not in ("", os.environ.get(_ONEDNN)):
        if "tensorflow" in sys.modules:
            raise RuntimeError(
                f"this worker process has imported TensorFlow with another {_ONEDNN} than "
                f"{settings.onednn}; start the workers again, with {_ONEDNN}={settings.onednn} if "
                "they import TensorFlow by themselves"
            )
        os.environ[_ONEDNN] = settings.onednn
    import tensorflow as tf
    import tensorflow_text  # noqa: F401, registers the models' ops

    threading = tf.config.threading
    try:
        if threading.get_intra_op_parallelism_threads() != threads:
            threading.set_intra_op_parallelism_threads(threads)
            threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:  # it has begun to compute
        raise RuntimeError(
            f"--threads={threads} differs from that of an earlier run in this worker process; "
            "start the workers again"
        ) from error
    return tf


def _vectors(outputs: _Outputs) -> dict[str, pa.Array]:
    vectors = outputs["default"]
    flat = pa.array(vectors.reshape(-1), pa.float32())
    return {"vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])}


def _labels(outputs: _Outputs) -> dict[str, pa.Array]:
    scores = outputs["scores"]
    flat = pa.array(scores.reshape(-1), pa.float32())
    return {
        "label": pa.array(outputs["label"].tolist(), pa.string()),
        "score": pa.array(outputs["score"], pa.float32()),
        "scores": pa.FixedSizeListArray.from_arrays(flat, scores.shape[1]),
        "truncated": pa.array(outputs["truncated"], pa.bool_()),
    }


def _entities(outputs: _Outputs) -> dict[str, pa.Array]:
    """Returns a list of entities for each text, without the padding of the batch."""
    counts = outputs["count"]
    padded = outputs["label"].shape[1]
    is_entity = np.arange(padded)[np.newaxis, :] < counts[:, np.newaxis]  # [B, K]
    fields = [pa.array(outputs[name][is_entity].tolist(), kind) for name, kind in _ENTITY.items()]
    splits = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    entities = pa.StructArray.from_arrays(fields, names=[*_ENTITY])
    return {
        "entities": pa.ListArray.from_arrays(splits, entities),
        "truncated": pa.array(outputs["truncated"], pa.bool_()),
    }


def _answers(outputs: _Outputs) -> dict[str, pa.Array]:
    return {
        "answer": pa.array(outputs["answer"].tolist(), pa.string()),
        "score": pa.array(outputs["score"], pa.float32()),
        "start": pa.array(outputs["start"], pa.int32()),
        "end": pa.array(outputs["end"], pa.int32()),
        "null_score": pa.array(outputs["null_score"], pa.float32()),
        "truncated": pa.array(outputs["truncated"], pa.bool_()),
    }


_COLUMNS: Mapping[str, Callable[[_Outputs], dict[str, pa.Array]]] = {
    EMBED: _vectors,
    CLASSIFY: _labels,
    TAG: _entities,
    ANSWER: _answers,
}
