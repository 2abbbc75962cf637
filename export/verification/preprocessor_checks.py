"""The checks of a preprocessor, which use it as its users do.

Example:
    check.run_checks(preprocessor_checks.CHECKS, module, directory)

https://www.tensorflow.org/hub/common_saved_model_apis/text (preprocessors of text).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from configs import hub_api
from export.verification.check import Check, require

_SENTENCES = ("The cat sat on the mat.", "", "ALBERT is a lite BERT, for self-supervised learning!")
_LENGTH = 12
_SPECIAL = ("padding_id", "start_of_sequence_id", "end_of_segment_id", "mask_id", "vocab_size")


def _sentences() -> tf.Tensor:
    return tf.constant(_SENTENCES)


def _special(module: Any) -> dict[str, int]:
    tokens = module.tokenize.get_special_tokens_dict()
    missing = [name for name in _SPECIAL if name not in tokens]
    require(not missing, f"get_special_tokens_dict lacks {', '.join(missing)}")
    return {name: int(tokens[name]) for name in _SPECIAL}


def _check_packed(packed: Mapping[str, tf.Tensor], length: int | None) -> None:
    require(set(packed) == set(hub_api.ENCODER_INPUTS), f"its outputs are {sorted(packed)}")
    for name, tensor in packed.items():
        require(tensor.dtype == tf.int32, f"{name} is {tensor.dtype.name}, not int32")
        shape = list(tensor.shape)
        fits = len(shape) == 2 and shape[0] in (None, len(_SENTENCES))
        require(fits and length in (None, shape[1]), f"{name} has shape {shape}")


def _root(module: Any, directory: str) -> None:
    _check_packed(module(_sentences()), None)


def _tokenize(module: Any, directory: str) -> None:
    ids = module.tokenize(_sentences())
    require(isinstance(ids, tf.RaggedTensor), f"it returns {type(ids).__name__}")
    require(ids.dtype == tf.int32, f"the ids are {ids.dtype.name}, not int32")
    rank = len(ids.shape)
    require(rank == 2 and ids.nrows() == len(_SENTENCES), f"the ids have shape {ids.shape}")
    require(ids.row_lengths()[1] == 0, "the empty sentence has tokens")
    size = _special(module)["vocab_size"]
    require(tf.reduce_all((ids.flat_values >= 0) & (ids.flat_values < size)), "ids out of range")


def _special_tokens(module: Any, directory: str) -> None:
    tokens = module.tokenize.get_special_tokens_dict()
    values = _special(module)
    for name in _SPECIAL:
        tensor = tf.convert_to_tensor(tokens[name])
        require(tensor.dtype == tf.int32 and tensor.shape == [], f"{name} is not an int32 scalar")
    ids = [values[name] for name in _SPECIAL[:-1]]
    require(len(set(ids)) == 4, "two special tokens have the same id")
    require(all(0 <= i < values["vocab_size"] for i in ids), "a special id is out of range")


def _pack(module: Any, directory: str) -> None:
    special = _special(module)
    first = tf.ragged.constant([[7], [8, 9]], tf.int32)
    second = tf.ragged.constant([[5, 6], [4]], tf.int32)
    cls, sep = special["start_of_sequence_id"], special["end_of_segment_id"]
    pad = special["padding_id"]
    one = module.bert_pack_inputs([first], seq_length=5)
    two = module.bert_pack_inputs([first, second], seq_length=7)
    one_ids = [[cls, 7, sep, pad, pad], [cls, 8, 9, sep, pad]]
    two_ids = [[cls, 7, sep, 5, 6, sep, pad], [cls, 8, 9, sep, 4, sep, pad]]
    for what, packed, expected in (("one segment", one, one_ids), ("two segments", two, two_ids)):
        actual = packed[hub_api.INPUT_WORD_IDS].numpy().tolist()
        require(actual == expected, f"{what} become {actual}, not {expected}")
    types = two[hub_api.INPUT_TYPE_IDS].numpy().tolist()
    require(types == [[0, 0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 1, 1, 0]], f"the types are {types}")
    mask = one[hub_api.INPUT_MASK].numpy().tolist()
    require(mask == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]], f"the mask is {mask}")


def _trimming(module: Any, directory: str) -> None:
    long = tf.ragged.constant([list(range(5, 15))], tf.int32)
    packed = module.bert_pack_inputs([long, long], seq_length=10)[hub_api.INPUT_WORD_IDS]
    special = _special(module)
    ends = int(tf.reduce_sum(tf.cast(packed == special["end_of_segment_id"], tf.int32)))
    require(ends == 2, f"over-long segments keep {ends} of 2 [SEP]")
    first = packed.numpy()[0, 1:5].tolist()
    require(first == [5, 6, 7, 8], f"the first segment is cut to {first}")


def _root_is_pack_of_tokenize(module: Any, directory: str) -> None:
    root = module(_sentences())
    length = root[hub_api.INPUT_WORD_IDS].shape[1]
    steps = module.bert_pack_inputs([module.tokenize(_sentences())], seq_length=length)
    for name, tensor in root.items():
        require(np.array_equal(tensor, steps[name]), f"{name} differs")


def _keras_layers(module: Any, directory: str) -> None:
    text = tf_keras.Input([], dtype=tf.string)
    _check_static(hub.KerasLayer(module)(text), None)
    tokens = hub.KerasLayer(module.tokenize)(text)
    pack = hub.KerasLayer(module.bert_pack_inputs, arguments={"seq_length": _LENGTH})
    model = tf_keras.Model(text, pack([tokens]))
    _check_packed(model(_sentences()), _LENGTH)


def _check_static(packed: Mapping[str, Any], length: int | None) -> None:
    require(set(packed) == set(hub_api.ENCODER_INPUTS), f"its outputs are {sorted(packed)}")
    for name, tensor in packed.items():
        require(length in (None, tensor.shape[1]), f"{name} has shape {tensor.shape}")


def _dataset_map(module: Any, directory: str) -> None:
    dataset = tf.data.Dataset.from_tensor_slices(_sentences()).batch(len(_SENTENCES)).map(module)
    _check_packed(next(iter(dataset)), None)


def _serving_default(module: Any, directory: str) -> None:
    names = sorted(module.signatures)
    require(hub_api.SERVING_DEFAULT in names, f"the signatures are {names}")
    signature = module.signatures[hub_api.SERVING_DEFAULT]
    inputs = list(signature.structured_input_signature[1])
    require(len(inputs) == 1, f"its inputs are {inputs}")
    _check_packed(signature(**{inputs[0]: _sentences()}), None)


CHECKS = (
    Check("it is called with sentences and returns packed int32 inputs", _root),
    Check("`.tokenize` returns ragged int32 ids", _tokenize),
    Check("`.tokenize.get_special_tokens_dict()` has the ids as int32 scalars", _special_tokens),
    Check("`.bert_pack_inputs` packs one and two segments", _pack),
    Check("`.bert_pack_inputs` cuts over-long segments evenly and keeps [SEP]", _trimming),
    Check("calling it is packing what it tokenizes", _root_is_pack_of_tokenize),
    Check("it and its steps work in hub.KerasLayer and the functional API", _keras_layers),
    Check("it works in tf.data.Dataset.map", _dataset_map),
    Check("signature `serving_default` has outputs by name", _serving_default),
)
