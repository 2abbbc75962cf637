"""Rules of a user's own, for CR and LF above all, give the library's ids."""

import base64
import json

import pytest
import sentencepiece
import tensorflow as tf

from preprocess.tokenizers import engines
from preprocess.vocabulary import sentencepiece_proto, tokenizer_json
from tests.support import sampling, tokenizers

_CR, _LF, _TAB, _SPACE = "D", "A", "9", "20"
_TEXTS = [
    *("a\r\nb", "a\nb", "a\rb", "\r\n", "a\n\rb", "the\u00e9\r\nb", "x\ty", "caf\u00e9 \r\n\u00e9"),
    *("\u00e9\n", "  x\r\n\r\ny", "x\t\r\n", "a b", "\r\r\n\n"),
]


def _charsmap(rules, folder):
    """Returns rules, hexadecimal code points and theirs, as SentencePiece compiles them."""
    path = folder / "rules.tsv"
    path.write_text("".join(f"{old}\t{new}\n" for old, new in rules))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the river rose slowly", "a cat sat on the mat"] * 9),
        model_prefix=str(folder / "rules"),
        vocab_size=40,
        hard_vocab_limit=False,
        normalization_rule_tsv=str(path),
        minloglevel=2,
    )
    content = (folder / "rules.model").read_bytes()
    proto = sentencepiece_proto.ModelProto.FromString(content)
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


_RULES = [
    [(_TAB, _SPACE)],
    [(_LF, _SPACE)],
    [(_CR, _SPACE)],
    [(_CR, ""), (_LF, _SPACE)],
    [(_CR, _SPACE), (_LF, "")],
    [(_CR, ""), (_LF, "")],
    [(_CR, _SPACE), (_LF, _SPACE), (_TAB, "")],
    [(f"{_CR} {_LF}", _SPACE)],
    [(f"{_CR} {_LF}", ""), (_LF, _SPACE), (_TAB, _SPACE)],
]


@sampling.parametrize(
    "rules",
    _RULES,
    sample=_RULES[3::2],
    ids=lambda rules: "-".join(f"{old}>{new}".replace(" ", "+") for old, new in rules),
)
def test_lines_end_as_the_rules_say(rules, tmp_path):
    library = pytest.importorskip("tokenizers")
    values = tokenizers.values("v4_lower0_keep1")
    for part in values["normalizer"]["normalizers"]:
        if part["type"] == "Precompiled":
            part["precompiled_charsmap"] = _charsmap(rules, tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    engine = engines.make(tokenizer_json.read(str(path)), tokenization="huggingface")
    encode = library.Tokenizer.from_str(json.dumps(values)).encode_batch
    expected = [encoding.ids for encoding in encode(_TEXTS, add_special_tokens=False)]
    assert engine.encode(tf.constant(_TEXTS)).to_list() == expected
    assert engine.encode_with_offsets(tf.constant(_TEXTS))[0].to_list() == expected
