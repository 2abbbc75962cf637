"""Real vocabularies, which lie beside the project and not in it, give the libraries' ids."""

import json

import pytest
import tensorflow as tf

from preprocess.tokenizers import engines
from preprocess.vocabulary import sentencepiece_model, tokenizer_config, tokenizer_json
from tests.support import preprocess_golden, real_sentences, tokenizers

pytestmark = pytest.mark.skipif(
    not tokenizers.REAL.is_dir(), reason=f"there are no real files in {tokenizers.REAL}"
)
_ENGLISH = tokenizers.REAL / "albert_en_30k.model"
_JSON = tokenizers.REAL / "albert_en_tokenizer.json"


def _texts():
    tricky = []
    for content in preprocess_golden.strings():
        try:
            tricky.append(content.decode())
        except UnicodeDecodeError:
            continue
    return [*real_sentences.of_python(3000), *tricky, *tokenizers.texts()]


def _case(name):
    path = tokenizers.CASES / name / "case.json"
    return json.loads(path.read_text(encoding="utf-8"))["expected"]


def test_the_published_tokenizer_gives_the_librarys_ids():
    library = pytest.importorskip("tokenizers").Tokenizer.from_file(str(_JSON))
    library.no_truncation()
    texts = _texts()
    expected = [e.ids for e in library.encode_batch(texts, add_special_tokens=False)]
    engine = engines.make(tokenizer_json.read(str(_JSON)), tokenization="huggingface")
    got = engine.encode(tf.constant(texts)).to_list()
    differing = [t for t, a, b in zip(texts, got, expected, strict=True) if a != b]
    # Equal scores in all but the last bit of the library's sum.
    assert differing in ([], [t for t in differing if "3333" in t])


def test_the_slow_tokenizer_of_the_published_model_gives_its_ids(tmp_path):
    (tmp_path / "spiece.model").write_bytes(_ENGLISH.read_bytes())
    tokenizer = tokenizer_config.read_sentencepiece(str(tmp_path / "spiece.model"))
    engine = engines.make(tokenizer, tokenization="huggingface")
    lines = _case("tokenizer_five_versions_of_one_vocabulary")["lines"]
    lines = {**lines, **_case("tokenizer_hf_released_english")["lines"]}
    got = engine.encode(tf.constant(list(lines))).to_list()
    assert got == [ids["en|default|slow4"] for ids in lines.values()]
    fast = engines.make(tokenizer_json.read(str(_JSON)), tokenization="huggingface")
    got = fast.encode(tf.constant(list(lines))).to_list()
    assert got == [ids["en|hub|fast4"] for ids in lines.values()]


@pytest.mark.parametrize(("column", "lower_case"), [("both", False), ("keep", True)])
@pytest.mark.parametrize("tokenization", ["original", "huggingface"])
def test_a_japanese_vocabulary_keeps_its_marks(tokenization, column, lower_case, tmp_path):
    content = (tokenizers.REAL / "albert_ja_32k.model").read_bytes()
    (tmp_path / "spiece.model").write_bytes(content)
    settings = {"do_lower_case": lower_case, "keep_accents": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    path = str(tmp_path / "spiece.model")
    lines = _case("tokenizer_keep_accents_cased")["languages"]["ja"]["lines"]
    if tokenization == "huggingface":
        vocabulary = tokenizer_config.read_sentencepiece(path)
        engine = engines.make(vocabulary, tokenization=tokenization)
    else:
        vocabulary = sentencepiece_model.read(path)
        engine = engines.make(
            vocabulary, tokenization=tokenization, lower_case=lower_case, keep_accents=True
        )
    got = engine.encode(tf.constant(list(lines))).to_list()
    assert got == [ids[column] for ids in lines.values()]
