"""Translates the parts of a `tokenizer.json`, and names every one that the graph cannot do.

    parts = tokenizer_json_parts.Parts()
    steps = parts.steps(values["normalizer"], splits_at_white_space=True)
    parts.problems  # ["normalizer Nmt", ...]

The meaning of each part is that of Hugging Face's `tokenizers` 0.23.
"""

import base64
import binascii
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from preprocess.vocabulary import added_token_files, charsmap, hugging_face, sentencepiece_model
from preprocess.vocabulary.json_files import Json

_FORMS = ("NFC", "NFD", "NFKC", "NFKD")
# The regular expression that transformers writes. Others may mean something else to RE2.
_SPACES = " {2,}"
_SYMBOL_FOR_SPACES = f"normalizer Replace of several spaces by {sentencepiece_model.SPACE}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spaces:
    """What a normalizer does with spaces in the end.

    Attributes:
      collapses: whether it makes one of several.
      makes_symbol: whether that one is SentencePiece's symbol for a space, not a space.
      strips_first: whether it removes white space at the start of a text.
      strips_last: whether it removes white space at the end of a text.
      strips_late: whether it does so after it made one space of several.
    """

    collapses: bool
    makes_symbol: bool
    strips_first: bool
    strips_last: bool
    strips_late: bool


class Parts:
    """Translates parts and collects what cannot be translated.

    Attributes:
      problems: the parts that the graph cannot do.
    """

    def __init__(self) -> None:
        """Begins without problems."""
        self.problems: list[str] = []

    def steps(self, normalizer: Json | None) -> tuple[tuple[hugging_face.Step, ...], Spaces]:
        """Returns the steps of normalization, and what it does with spaces in the end."""
        steps: list[hugging_face.Step] = []
        parts = list(flat(normalizer, "normalizers"))
        last: list[Json] = []
        while parts and (_collapses(parts[-1]) or parts[-1]["type"] == "Strip"):
            last.insert(0, parts.pop())
        for part in parts:
            kind = part["type"]
            if kind in _FORMS:
                steps.append(hugging_face.Unicode(kind))
            elif kind == "Replace" and any(type(s) is not hugging_face.Replace for s in steps):
                self.problems.append(f"normalizer Replace of {part['pattern']} behind others")
            elif kind in _NORMALIZERS:
                steps += _NORMALIZERS[kind](self, part)
            else:
                self.problems.append(f"normalizer {kind}")
        return tuple(steps), _spaces(last)

    def check_spaces(self, spaces: Spaces, *, is_unigram: bool, splits: bool) -> None:
        """Checks that the words are those that the graph makes of the spaces.

        Args:
          spaces: what the normalizer does with them.
          is_unigram: whether the model is Unigram, not WordPiece.
          splits: whether the pre-tokenizer takes all white space away.
        """
        if splits:
            if spaces.makes_symbol:
                kind = "WhitespaceSplit" if is_unigram else "WordPiece"
                self.problems.append(f"{_SYMBOL_FOR_SPACES} with {kind}")
            return
        if not spaces.collapses:
            self.problems.append("pre_tokenizer Metaspace with several spaces in a row")
        if spaces.strips_first:
            self.problems.append("normalizer Strip with strip_left and no WhitespaceSplit")
        if spaces.strips_late and spaces.makes_symbol:
            self.problems.append(f"{_SYMBOL_FOR_SPACES} before Strip")

    def splits_at_white_space(self, pre_tokenizer: Json | None) -> bool:
        """Returns whether a Unigram model's words lie between any white space, or only spaces."""
        parts = list(flat(pre_tokenizer, "pretokenizers"))
        kinds = [part["type"] for part in parts]
        if kinds not in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
            self.problems.append(f"pre_tokenizer {' + '.join(kinds) or None} with Unigram")
            return True
        wanted: Json = {"replacement": sentencepiece_model.SPACE, "prepend_scheme": "always"}
        wanted |= {"split": True, "add_prefix_space": True}
        for key, value in wanted.items():
            if parts[-1].get(key, value) != value:
                self.problems.append(f"pre_tokenizer Metaspace with {key} {parts[-1][key]!r}")
        return len(kinds) > 1

    def words_of_bert(self, pre_tokenizer: Json | None) -> None:
        """Checks that a WordPiece model's words are BERT's."""
        kinds = [part["type"] for part in flat(pre_tokenizer, "pretokenizers")]
        if kinds != ["BertPreTokenizer"]:
            self.problems.append(f"pre_tokenizer {' + '.join(kinds) or None} with WordPiece")

    def outer_tokens(self, post_processor: Json | None) -> dict[str, int]:
        """Returns the ids of `[CLS]` and `[SEP]`; none where the section is empty."""
        parts = list(flat(post_processor, "processors"))
        if not parts:
            return {}
        part = parts[0]
        if len(parts) == 1 and part["type"] == "BertProcessing":
            return {"start_of_sequence_id": part["cls"][1], "end_of_segment_id": part["sep"][1]}
        if len(parts) == 1 and part["type"] == "TemplateProcessing":
            single, pair = ([_template_item(i) for i in part[key]] for key in ("single", "pair"))
            if len(single) == 3 and single[1] == ("A", 0):
                (first, _), (last, _) = single[0], single[2]
                wanted = [(first, 0), ("A", 0), (last, 0)]
                if single == wanted and pair == [*wanted, ("B", 1), (last, 1)]:
                    tokens = part["special_tokens"]
                    found = [tokens[name]["ids"] for name in (first, last)]
                    if all(len(one) == 1 for one in found):
                        return {
                            "start_of_sequence_id": found[0][0],
                            "end_of_segment_id": found[1][0],
                        }
        kinds = " + ".join(part["type"] for part in parts)
        self.problems.append(f"post_processor {kinds} that is not [CLS] a [SEP] b [SEP]")
        return {}

    def added_tokens(
        self, tokens: list[Json], pieces: list[str]
    ) -> tuple[hugging_face.AddedToken, ...]:
        """Returns the added tokens by id."""
        ids = {piece: i for i, piece in enumerate(pieces)}
        found = []
        expected = len(pieces)
        for values in sorted(tokens, key=lambda values: values["id"]):
            token = hugging_face.AddedToken(**values)
            is_piece = token.content in ids
            if token.id != (ids[token.content] if is_piece else expected):
                self.problems.append(f"added token {token.content!r} with id {token.id}")
            expected += not is_piece
            if token.content != token.content.strip() or not token.content:
                self.problems.append(f"added token {token.content!r} with outer white space")
            elif token.normalized and len(token.content.split()) > 1:
                self.problems.append(f"added token {token.content!r}, normalized, of several words")
            found.append(token)
        self.problems += added_token_files.shadowed(found)
        return tuple(found)

    def _replace(self, part: Json) -> list[hugging_face.Step]:
        old, new = part["pattern"].get("String"), part["content"]
        if not old:
            self.problems.append(f"normalizer Replace of {part['pattern']}")
            return []
        return [hugging_face.Replace(old, new)]

    def _precompiled(self, part: Json) -> list[hugging_face.Step]:
        try:
            blob = base64.b64decode(part["precompiled_charsmap"], validate=True)
        except binascii.Error as error:
            self.problems.append(f"normalizer Precompiled: {error}")
            return []
        return [hugging_face.MapCharacters(charsmap.read(blob))]

    def _bert(self, part: Json) -> list[hugging_face.Step]:
        strips = part["strip_accents"]
        return list(
            hugging_face.bert_steps(
                clean_text=part["clean_text"],
                separate_ideographs=part["handle_chinese_chars"],
                strip_accents=part["lowercase"] if strips is None else strips,
                lower_case=part["lowercase"],
            )
        )


_NORMALIZERS: dict[str, Callable[[Parts, Json], list[Any]]] = {
    "Replace": Parts._replace,
    "Precompiled": Parts._precompiled,
    "BertNormalizer": Parts._bert,
    "StripAccents": lambda _, part: [hugging_face.RemoveMarks(hugging_face.Marks.ALL)],
    "Lowercase": lambda _, part: [hugging_face.Lowercase()],
}


def _collapses(part: Json) -> bool:
    space = (" ", sentencepiece_model.SPACE)
    return part.get("pattern") == {"Regex": _SPACES} and part["content"] in space


def _spaces(parts: list[Json]) -> Spaces:
    """Returns what the last parts of a normalizer do, each of which collapses or strips."""
    collapsing = [part for part in parts if _collapses(part)]
    strips_last = [part.get("strip_right", False) for part in parts]
    return Spaces(
        collapses=bool(collapsing),
        makes_symbol=any(part["content"] != " " for part in collapsing),
        strips_first=any(part.get("strip_left", False) for part in parts),
        strips_last=any(strips_last),
        strips_late=any(
            strips and any(map(_collapses, parts[:i])) for i, strips in enumerate(strips_last)
        ),
    )


def flat(section: Json | None, key: str) -> Iterator[Json]:
    """Yields the parts of a section, sequences taken apart."""
    if section is None:
        return
    if section["type"] == "Sequence":
        for part in section[key]:
            yield from flat(part, key)
    else:
        yield section


def _template_item(item: Json) -> tuple[str, int]:
    ((_, values),) = item.items()
    return values["id"], values["type_id"]
