"""Makes the `tokenizer.json` that is closest to a tokenizer which has none.

Example:
    content = tokenizer_json_content.make(spec)

transformers' own classes of tokenizers build something else of a `spiece.model` in each of their
versions; a `tokenizer.json` is used as it is by all.
"""

import base64
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sentencepiece

from configs import tokenizations
from export.artifacts import tokenizer_spec
from preprocess.vocabulary import hugging_face, sentencepiece_proto, special_names
from preprocess.vocabulary.sentencepiece_model import SPACE

_Json = dict[str, Any]

_MAX_CHARACTERS = 100  # of a word, in BERT's tokenizers
# Full case folding, where it is not lower-casing after NFKC: what texts have.
_FOLDED = {"\u00df": "ss", "\u03c2": "\u03c3", "\u0587": "\u0565\u0582"}
# Default-ignorable characters, which NFKC_Casefold drops.
_IGNORABLE = (
    r"[\x{ad}\x{34f}\x{61c}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{200b}-\x{200f}"
    r"\x{202a}-\x{202e}\x{2060}-\x{206f}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ffa0}"
    r"\x{e0000}-\x{e0fff}]"
)
_NEVER = -1000.0
_FLAGS = ("special", "normalized", "lstrip", "rstrip", "single_word")


def make(spec: tokenizer_spec.TokenizerSpec) -> _Json:
    """Returns the content of a file."""
    parts = _wordpiece(spec) if spec.is_wordpiece else _unigram(spec)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(_added_tokens(spec)),
        "post_processor": _post_processor(spec),
        **parts,
    }


def special_tokens(spec: tokenizer_spec.TokenizerSpec) -> dict[str, str]:
    """Returns the special tokens by Hugging Face's keys, `cls_token`, ..."""
    described = spec.described
    return {
        key: described.pieces[getattr(described, role)] for key, role in special_names.ROLES.items()
    }


def _added_tokens(spec: tokenizer_spec.TokenizerSpec) -> Iterator[_Json]:
    if spec.hugging_face is not None:
        tokens = spec.hugging_face.added_tokens
    else:
        described = spec.described
        ids = sorted({getattr(described, role) for role in special_names.ROLES.values()})
        tokens = tuple(
            hugging_face.AddedToken(
                content=described.pieces[number],
                id=number,
                special=True,
                lstrip=number == described.mask_id and not spec.is_wordpiece,
            )
            for number in ids
        )
    for token in tokens:
        flags = {flag: getattr(token, flag) for flag in _FLAGS}
        yield {"id": token.id, "content": token.content, **flags}


def _post_processor(spec: tokenizer_spec.TokenizerSpec) -> _Json:
    def token(name: str, type_id: int) -> _Json:
        return {"SpecialToken": {"id": name, "type_id": type_id}}

    def text(name: str, type_id: int) -> _Json:
        return {"Sequence": {"id": name, "type_id": type_id}}

    described = spec.described
    names = special_tokens(spec)
    first, last = names["cls_token"], names["sep_token"]
    ids = {first: described.start_of_sequence_id, last: described.end_of_segment_id}
    single = [token(first, 0), text("A", 0), token(last, 0)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, text("B", 1), token(last, 1)],
        "special_tokens": {
            name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ids.items()
        },
    }


def _wordpiece(spec: tokenizer_spec.TokenizerSpec) -> _Json:
    separates = True
    if spec.hugging_face is not None:
        separates = hugging_face.SeparateIdeographs() in spec.hugging_face.steps
    return {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": separates,
            "strip_accents": not spec.keep_accents,
            "lowercase": spec.lower_case,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": special_tokens(spec)["unk_token"],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": _MAX_CHARACTERS,
            "vocab": {piece: i for i, piece in enumerate(spec.vocabulary.pieces)},
        },
    }


def _unigram(spec: tokenizer_spec.TokenizerSpec) -> _Json:
    proto = sentencepiece_proto.ModelProto.FromString(spec.asset)
    metaspace = {
        "type": "Metaspace",
        "replacement": SPACE,
        "prepend_scheme": "always",
        "split": True,
    }
    steps = [*_steps(spec)]
    charsmap = proto.normalizer_spec.precompiled_charsmap
    if charsmap:
        if b"nfkc" in proto.normalizer_spec.name.encode():
            steps.append({"type": "NFKC"})  # it composes, which `Precompiled` does not
        encoded = base64.b64encode(charsmap).decode()
        steps.append({"type": "Precompiled", "precompiled_charsmap": encoded})
    words: list[Mapping[str, Any]] = [{"type": "WhitespaceSplit"}, metaspace]
    return {
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": words},
        "decoder": metaspace,
        "model": {
            "type": "Unigram",
            "unk_id": spec.vocabulary.unknown_id,
            "vocab": list(_scored(spec)),
            "byte_fallback": False,
        },
    }


def _scored(spec: tokenizer_spec.TokenizerSpec) -> Iterator[tuple[str, float]]:
    """Yields pieces with scores.

    A symbol that is always a piece has SentencePiece's own score: the length times the largest
    score, less 0.1 (unigram_model.cc, `PopulateNodes`). Where a digit and a comma are split
    afterwards, what ends in both is never best.
    """
    processor = sentencepiece.SentencePieceProcessor(model_proto=spec.asset)
    model = sentencepiece_proto.ModelProto.FromString(spec.asset)
    splits = spec.tokenization != tokenizations.HUB
    normal = (sentencepiece_proto.Type.NORMAL, 0)  # 0: left out
    largest = max(piece.score for piece in model.pieces if piece.type in normal)
    for number, piece in enumerate(model.pieces):
        score = float(np.float32(processor.get_score(number)))
        if piece.type == sentencepiece_proto.Type.USER_DEFINED:
            score = len(piece.piece) * largest - 0.1
        elif splits and piece.piece[-1:] == "," and piece.piece[-2:-1].isdigit():
            score = _NEVER
        yield piece.piece, score


def _steps(spec: tokenizer_spec.TokenizerSpec) -> Iterator[_Json]:
    """Yields the normalizers before the model's own."""
    if spec.tokenization == tokenizations.HUB:
        yield from _tf_hub_steps(spec)
        return
    if spec.tokenization == tokenizations.HUGGING_FACE:
        yield from (_replace(quote, '"') for quote in ("``", "''"))
    if not spec.keep_accents:
        yield {"type": "NFKD"}
        yield _replace(_combining(), "", is_pattern=True)
    if spec.lower_case:
        yield {"type": "Lowercase"}


def _tf_hub_steps(spec: tokenizer_spec.TokenizerSpec) -> Iterator[_Json]:
    if not spec.keep_accents:
        yield {"type": "NFD"}
        yield _replace(r"\p{Mn}", "", is_pattern=True)
    if spec.lower_case:
        yield _replace(_IGNORABLE, "", is_pattern=True)
        yield {"type": "NFKC"}
        yield {"type": "Lowercase"}
        yield from (_replace(one, folded) for one, folded in _FOLDED.items())


def _replace(old: str, new: str, *, is_pattern: bool = False) -> _Json:
    return {
        "type": "Replace",
        "pattern": {"Regex" if is_pattern else "String": old},
        "content": new,
    }


def _combining() -> str:
    """Returns a pattern of the characters that `unicodedata` calls combining."""
    points = np.array([unicodedata.combining(chr(point)) != 0 for point in range(0x110000)])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], points, [False]]).astype(np.int8)))
    ranges = edges.reshape(-1, 2).tolist()
    return "[" + "".join(rf"\x{{{start:x}}}-\x{{{end - 1:x}}}" for start, end in ranges) + "]"
