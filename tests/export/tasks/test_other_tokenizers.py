"""Text models of BERT's tokenizer, and of words that begin with the space before them.

The oracle is the tokenizers library, with the numpy model of `export/verification`.
"""

import itertools
import sys

import pytest
import tensorflow as tf
import tokenizers as tokenizers_library

from configs import tokenizations
from export.artifacts import tokenizer_choice
from export.checkpoints import opening
from export.metadata import manifest
from export.saved_models import loading
from export.tasks import texts as texts_module
from export.verification import text_model_comparison
from tests.support import text_models, tokenizers

_BERT, _SPACES = "wordpiece_uncased", "v4_lower1_keep0"


@pytest.mark.stress  # `make test` has the words of these tokenizers below
@pytest.mark.parametrize("has_library", [True, False])
@pytest.mark.parametrize(
    ("name", "tokenizer"),
    [
        ("answer", _BERT),
        ("tag", _SPACES),
        ("answer", _SPACES),
        ("fill_mask", _BERT),
        ("tag", "wordpiece_cased"),
    ],
)
def test_results_are_those_of_the_library_s_tokens(name, tokenizer, has_library, monkeypatch):
    """And without the library, of those that the artifact has itself."""
    if not has_library:
        monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.setitem(sys.modules, "transformers", None)  # the numpy reference, everywhere
    directory = text_models.directory(name, tokenizer)
    checkpoint = opening.open(str(text_models.parts(name, tokenizer) / "checkpoint"))
    result = text_model_comparison.compare_loaded(
        loading.load(directory),
        entries=manifest.read(directory),
        checkpoint=checkpoint,
        config=checkpoint.config,
        texts=None,
    )
    assert result.passed, (result.rows, result.texts.differing)
    assert (f"tokenizers {tokenizers_library.__version__}" in result.texts.engine) == has_library
    assert result.texts.count >= 9


@pytest.mark.parametrize("name", ["v4_lower1_keep0", "v5_lower0_keep1", "wordpiece_uncased"])
def test_words_are_those_of_the_library(name, tmp_path):
    library = tokenizers_library.Tokenizer.from_file(tokenizers.write(name, tmp_path))
    spec = tokenizer_choice.resolve(
        tokenizer_choice.Request(), directories=[str(tmp_path)], default=tokenizations.HUGGING_FACE
    )
    # An added token is a word by itself, wherever it stands; the pieces say nothing of it.
    added = {token.id for token in spec.described.added_tokens}
    starts_word = spec.starts_word
    compared = 0
    for text in tokenizers.texts():
        found = library.encode(text, add_special_tokens=False)
        for (left, before), (right, word) in itertools.pairwise(
            zip(found.ids, found.word_ids, strict=True)
        ):
            if added.isdisjoint((left, right)):
                assert starts_word[right] == (word != before), (text, found.tokens)
                compared += 1
    assert compared > 500


def test_spans_lose_the_white_space_at_their_ends_alone():
    texts = ["a b", " a\u3000 ", "\t\u00a0\u00e9 b\n", "  ", "", "\u200ba "]
    content = [f"<{text}>".encode() for text in texts]
    start = tf.ones([len(texts)], tf.int32)
    end = tf.constant([len(text) - 1 for text in content])
    spans = zip(*texts_module.without_white_space(tf.constant(content), start, end), strict=True)
    found = [
        text[begin:limit].decode() for text, (begin, limit) in zip(content, spans, strict=True)
    ]
    assert found == [text.strip() for text in texts]
