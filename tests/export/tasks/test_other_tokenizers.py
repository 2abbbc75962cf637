"""Text models of BERT's tokenizer, and of words that begin with the space before them.

The oracle is the tokenizers library, with the numpy model of `export/verification`.
"""

import sys

import tensorflow as tf
import tokenizers as tokenizers_library

from export.checkpoints import opening
from export.metadata import manifest
from export.saved_models import loading
from export.verification import text_model_comparison
from tests.support import sampling, text_models

_BERT, _SPACES = "wordpiece_uncased", "v4_lower1_keep0"


@sampling.parametrize(
    ("name", "tokenizer"),
    [
        ("answer", _BERT),
        ("tag", _SPACES),
        ("answer", _SPACES),
        ("fill_mask", _BERT),
        ("tag", "wordpiece_cased"),
    ],
    sample=[("answer", _BERT), ("tag", _SPACES)],
)
def test_results_are_those_of_the_library_s_tokens(name, tokenizer, monkeypatch):
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
    assert f"tokenizers {tokenizers_library.__version__}" in result.texts.engine
    assert result.texts.count >= 9


def test_an_answer_is_not_widened_to_a_whole_sentence_of_ideographs():
    """Each ideograph is a word, though there is no text between them."""
    serve = loading.load(text_models.directory("answer", _BERT)).signatures["serving_default"]
    context = "\u6cb3\u6c34\u6162\u6162\u4e0a\u6da8\uff0c\u5317\u4eac\u7684\u5496\u5561\u9986\u3002"
    contexts = tf.constant([context * 3])
    outputs = serve(questions=tf.constant(["\u54ea\u91cc"]), contexts=contexts)
    # Of at most 15 tokens, which here are characters of three bytes.
    assert 0 < len(outputs["answer"].numpy()[0].decode()) <= 15
