"""Strings in OpenVINO: their ids, prompts before them, and words of a table."""

import numpy as np
import pytest
import sentencepiece

from export.conversion.text import compiled_tokenizer
from preprocess.vocabulary import sentencepiece_model

openvino = pytest.importorskip("openvino", reason="the extra openvino is not installed")
pytest.importorskip("openvino_tokenizers", reason="the extra openvino is not installed")

_TEXTS = ["The river rose slowly.", "", "one", "caf\u00e9 \u6771 [MASK]"]


def _run(output, given, values):
    model = openvino.Model([output.output(0)], [given], "test")
    (found,) = openvino.Core().compile_model(model, "CPU")([values]).values()
    return found.tolist()


def _parameter(dtype):
    return openvino.opset15.parameter(openvino.PartialShape([-1]), dtype)


def test_ids_are_those_that_the_pieces_of_sentencepiece_stand_for():
    from export.conversion.openvino import text_tokenizer  # imports openvino

    proto = sentencepiece_model.read(None).proto
    plain = sentencepiece.SentencePieceProcessor(model_proto=proto)
    aliases = tuple(range(plain.vocab_size()))[::-1]
    model = compiled_tokenizer.CompiledModel(proto=proto, aliases=aliases)
    expected = [[aliases[piece] for piece in pieces] for pieces in plain.encode(_TEXTS)]
    assert text_tokenizer.encode(model, _TEXTS) == expected


@pytest.mark.parametrize("prompt", ["query: ", "$1 \\ {0} (.*)\n", "\u00fc\u6771"])
def test_a_prompt_stands_before_every_text(prompt):
    from export.conversion.openvino import text_tokenizer

    texts = [*_TEXTS, "two\nlines"]
    strings = _parameter(openvino.Type.string)
    found = _run(text_tokenizer.with_prompt(strings, prompt), strings, np.array(texts))
    assert found == [prompt + text for text in texts]


def test_numbers_become_words_of_a_table():
    from export.conversion.openvino import text_tokenizer

    table = ["no", "", "\u00fc \u6771", "maybe"]
    numbers = _parameter(openvino.Type.i64)
    words = text_tokenizer.words(numbers, table)
    given = np.array([3, 0, 2, 1, 2])
    assert _run(words, numbers, given) == [table[one] for one in given]
