"""What `tokenizer_json` reads, what it refuses, and what its errors say."""

import base64
import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
import sentencepiece

from configs import errors
from preprocess.vocabulary import sentencepiece_model, tokenizer_json
from tests.support import tokenizers

_UNIGRAM = "v5_lower1_keep0"
_WORDPIECE = "wordpiece_uncased"


def _read(values, tmp_path, **options):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return tokenizer_json.read(str(path), **options)


def _changed(name, *keys, value):
    values = tokenizers.values(name)
    part = values
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    return values


def test_truncation_and_padding_do_not_matter(tmp_path):
    values = tokenizers.values(_UNIGRAM)
    plain = _read(values, tmp_path)
    values["truncation"] = {"direction": "Left", "max_length": 5, "strategy": "LongestFirst"}
    values["padding"] = {"strategy": {"Fixed": 9}, "pad_id": 3, "pad_token": "[SEP]"}
    other = _read(values, tmp_path)
    assert other.padding_id == plain.padding_id == 0
    assert other.steps == plain.steps


def test_a_model_is_made_that_sentencepiece_reads(tmp_path):
    tokenizer = _read(tokenizers.values(_UNIGRAM), tmp_path)
    vocabulary = tokenizer.model.vocabulary
    made = sentencepiece.SentencePieceProcessor(model_proto=vocabulary.proto)
    given = sentencepiece.SentencePieceProcessor(model_proto=tokenizers.model())
    texts = [
        text for text in tokenizers.texts() if "\x00" not in text and not set('().-"') & set(text)
    ]
    assert len(texts) > 80
    assert [made.encode(text) for text in texts] == [given.encode(text) for text in texts]
    assert [made.is_control(i) for i in range(5)] == [True, False, True, True, True]
    assert vocabulary.file_name == "spiece.model"


def test_the_model_beside_is_kept_byte_for_byte_if_it_is_the_same(tmp_path):
    values = tokenizers.values(_UNIGRAM)
    content = tokenizers.model()
    kept = _read(values, tmp_path, sp_model=content).model.vocabulary
    assert kept.proto == sentencepiece_model.without_paths(content)
    values["model"]["vocab"][9][1] -= 0.001
    made = _read(values, tmp_path, sp_model=content).model.vocabulary
    assert made.proto != kept.proto
    score = sentencepiece.SentencePieceProcessor(model_proto=made.proto).get_score(9)
    assert score == pytest.approx(values["model"]["vocab"][9][1], abs=1e-6)


def test_added_tokens_become_pieces(tmp_path):
    values = tokenizers.values(_UNIGRAM)
    size = len(values["model"]["vocab"])
    token = {**values["added_tokens"][0], "id": size, "content": "[E1]", "special": False}
    values["added_tokens"].append(token)
    tokenizer = _read(values, tmp_path)
    assert tokenizer.vocab_size == size + 1
    made = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model.vocabulary.proto)
    assert made.piece_to_id("[E1]") == size
    tokenizer.check_vocab_size(size + 8)
    with pytest.raises(errors.VocabularyError, match=f"{size + 1} ids, but vocab_size is {size}"):
        tokenizer.check_vocab_size(size)


def test_special_tokens_may_have_other_names(tmp_path):
    values = tokenizers.values(_UNIGRAM)
    text = json.dumps(values).replace("[MASK]", "<mask>").replace("<pad>", "<fill>")
    with pytest.raises(errors.VocabularyError, match=r"no token \[MASK\] for mask_id"):
        _read(json.loads(text), tmp_path)
    tokenizer = _read(json.loads(text), tmp_path, names={"mask_id": "<mask>"})
    assert (tokenizer.mask_id, tokenizer.padding_id) == (4, 0)
    assert tokenizer.notes == ("tokenizer.json has no padding token: rows are filled with id 0",)
    with pytest.raises(errors.VocabularyError, match=r"start_of_sequence_id is '\[CLS\]' in it"):
        _read(values, tmp_path, names={"start_of_sequence_id": "<pad>"})


def test_a_file_without_post_processor_is_read_and_says_so(tmp_path):
    tokenizer = _read(_changed(_UNIGRAM, "post_processor", value=None), tmp_path)
    assert tokenizer.start_of_sequence_id == 2
    assert any("no post_processor" in note for note in tokenizer.notes)


_STEP = ("normalizer", "normalizers", 0)
_METASPACE = ("pre_tokenizer", "pretokenizers", 1)


@pytest.mark.parametrize(
    ("name", "keys", "value", "part"),
    [
        (_UNIGRAM, ("model", "type"), "BPE", "model BPE"),
        (_UNIGRAM, ("model", "byte_fallback"), True, "byte_fallback"),
        (_UNIGRAM, ("model", "unk_id"), None, "without unk_id"),
        (_UNIGRAM, _STEP, {"type": "Nmt"}, "normalizer Nmt"),
        (_UNIGRAM, _STEP, {"type": "Prepend", "prepend": "\u2581"}, "normalizer Prepend"),
        (
            _UNIGRAM,
            _STEP,
            {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"},
            "normalizer Replace",
        ),
        (_UNIGRAM, (*_METASPACE, "prepend_scheme"), "first", "prepend_scheme 'first'"),
        (_UNIGRAM, (*_METASPACE, "split"), False, "split False"),
        (_UNIGRAM, (*_METASPACE, "replacement"), "_", "replacement '_'"),
        (_UNIGRAM, ("pre_tokenizer",), {"type": "ByteLevel"}, "pre_tokenizer ByteLevel"),
        (_UNIGRAM, ("pre_tokenizer",), None, "pre_tokenizer None"),
        (_UNIGRAM, ("post_processor", "pair", 4, "SpecialToken", "type_id"), 0, "post_processor"),
        (_UNIGRAM, ("added_tokens", 3, "id"), 4, r"added token '\[SEP\]' with id 4"),
        (_UNIGRAM, ("added_tokens", 3, "content"), " x", "outer white space"),
        (_WORDPIECE, ("pre_tokenizer",), {"type": "Whitespace"}, "pre_tokenizer Whitespace"),
        (_WORDPIECE, ("model", "continuing_subword_prefix"), "@@", "'@@' for ##"),
        (_WORDPIECE, ("model", "unk_token"), "<none>", "without '<none>'"),
        (_WORDPIECE, ("model", "vocab", "##ed"), 7, "ids that are not"),
    ],
)
def test_what_the_graph_cannot_do_is_refused_by_name(name, keys, value, part, tmp_path):
    with pytest.raises(errors.VocabularyError, match=part) as raised:
        _read(_changed(name, *keys, value=value), tmp_path)
    assert "has parts that the graph cannot do" in str(raised.value)


def test_every_part_is_named_at_once(tmp_path):
    values = _changed(_UNIGRAM, *_STEP, value={"type": "Nmt"})
    values["model"]["byte_fallback"] = True
    values["pre_tokenizer"] = {"type": "ByteLevel"}
    with pytest.raises(errors.VocabularyError) as raised:
        _read(values, tmp_path)
    for part in ("normalizer Nmt", "byte_fallback", "pre_tokenizer ByteLevel"):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "{", '{"model": 3}', '{"model": {"type": "Unigram"}}', "\ud800"],
)
def test_what_is_not_a_tokenizer_is_refused(content, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(content, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(errors.VocabularyError, match=r"tokenizer\.json"):
        tokenizer_json.read(str(path))


def _loop(_):
    """Returns a charsmap whose every byte leads back to the start: 255 ** 5 keys."""
    units = np.arange(256, dtype="<u4")
    units = units << 10 | units
    return units.nbytes.to_bytes(4, "little") + units.tobytes()


def _rootless(blob):
    """Returns a charsmap in which no byte leads on from the start: all rules are lost."""
    return blob[:4] + bytes(4) + blob[8:]


@pytest.mark.parametrize(
    "damage", [lambda b: b[:1000], lambda b: b"", lambda b: b"\xff" * 64, _loop, _rootless]
)
def test_a_damaged_charsmap_is_refused(damage, tmp_path):
    values = tokenizers.values(_UNIGRAM)
    blob = base64.b64encode(damage(tokenizers.charsmap())).decode()
    values["normalizer"]["normalizers"][-1]["precompiled_charsmap"] = blob
    with pytest.raises(errors.VocabularyError, match="charsmap is damaged"):
        _read(values, tmp_path)


def test_the_case_of_transformers_5_is_read(tmp_path):
    case = tokenizers.CASES / "tokenizer_json_only"
    content = gzip.decompress((case / "tokenizer.json.gz").read_bytes())
    tokenizer = _read(json.loads(content), tmp_path)
    assert (tokenizer.vocab_size, tokenizer.lower_case, tokenizer.keep_accents) == (
        100,
        True,
        False,
    )


def test_import_needs_no_tensorflow():
    code = (
        "import sys; from preprocess.vocabulary import finding, tokenizer_config, tokenizer_json;"
        "assert not any(n.split('.')[0] == 'tensorflow' for n in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
