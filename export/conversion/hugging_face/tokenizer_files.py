"""The tokenizer of an encoder as files that transformers reads, if they give the same ids.

Example:
    made = tokenizer_files.make(source, preprocessor=None)
    made.files  # {"tokenizer.json": ..., "tokenizer_config.json": ...}; none if ids differ
    made.notices

A recorded `tokenizer.json` is written as it was. For every other tokenizer the closest one is made.
Both are held to the ids of the preprocessor.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors, tokenizations
from export.artifacts import belonging, tokenizer_choice, tokenizer_spec
from export.conversion import source as sources
from export.conversion import tokenizer_texts
from export.conversion.hugging_face import tokenizer_json_content
from export.metadata import manifest
from export.saved_models import loading
from preprocess.vocabulary import finding, tokenizer_config

NAMES = (finding.TOKENIZER, tokenizer_config.CONFIG)
# The keys of a config, and the roles of the tokens that they name.
_IDS = {
    "pad_token_id": "padding_id",
    "bos_token_id": "start_of_sequence_id",
    "eos_token_id": "end_of_segment_id",
}
_INPUTS = ["input_ids", "token_type_ids", "attention_mask"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenizerFiles:
    """A tokenizer for transformers.

    Attributes:
      files: content by name; empty if it is left out.
      special_ids: of the config, by key; empty if the tokenizer is not known.
      problem: why it is left out; None if it is not.
      literal: a special token that is one in transformers where a text has its name, and pieces in
        the preprocessor; None if it is one in both.
      other: number of texts with other ids; None if none were compared.
      example: one of them; None without one.
    """

    files: Mapping[str, bytes]
    special_ids: Mapping[str, int]
    problem: str | None = None
    literal: str | None = None
    other: int | None = None
    example: str | None = None

    @property
    def notices(self) -> list[str]:
        """What the user should know."""
        if self.problem:
            return [f"the tokenizer is left out: {self.problem}"]
        if self.literal:
            return [
                f"its tokenizer gives the same ids for {tokenizer_texts.COUNT} texts; but where a "
                f"text has {self.literal} itself, that is the token in transformers, and pieces "
                "before"
            ]
        return []

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it."""
        compared = None
        if self.other is not None:
            compared = {
                "texts": tokenizer_texts.COUNT,
                "other_ids": self.other,
                "example": self.example,
            }
        return {"files": sorted(self.files), "left_out": self.problem, "compared": compared}


def make(source: sources.Source, *, preprocessor: str | None) -> TokenizerFiles:
    """Makes the files of an encoder's tokenizer.

    Args:
      source: the encoder.
      preprocessor: folder of the preprocessor's SavedModel that belongs to it, which then says how
        text is split, and whose ids count; None for what the encoder has recorded.

    Raises:
      errors.InputError: the preprocessor is none, or is of another vocabulary.
    """
    spec = _spec(source, preprocessor)
    if not isinstance(spec, tokenizer_spec.TokenizerSpec):
        return TokenizerFiles(files={}, special_ids={}, problem=spec)
    content = spec.tokenizer_json
    if content is None:
        values = tokenizer_json_content.make(spec)
        content = (json.dumps(values, ensure_ascii=False) + "\n").encode()
    ids = {key: getattr(spec.described, role) for key, role in _IDS.items()}
    found = tokenizer_texts.make()
    expected = _ids(spec, found) if preprocessor is None else _ids_of(preprocessor, found)
    wrong = _wrong(content, spec, expected)
    if wrong:
        return TokenizerFiles(
            files={},
            special_ids=ids,
            problem=f"the closest that transformers has gives other ids for {len(wrong)} of "
            f"{len(found)} texts, such as {wrong[0]!r}",
            other=len(wrong),
            example=wrong[0],
        )
    files = dict(zip(NAMES, (content, _settings(spec, source)), strict=True))
    literal = None
    if spec.tokenization != tokenizations.HUGGING_FACE:
        literal = tokenizer_json_content.special_tokens(spec)["mask_token"]
    return TokenizerFiles(files=files, special_ids=ids, literal=literal, other=0)


def verified(directory: str, source: sources.Source) -> str | None:
    """Returns in what the ids of the tokenizer in a directory differ; None if they are equal.

    Where the encoder does not settle its tokenizer, there is nothing to compare.
    """
    spec = _spec(source, None)
    if not isinstance(spec, tokenizer_spec.TokenizerSpec):
        return None
    with open(os.path.join(directory, finding.TOKENIZER), "rb") as file:
        wrong = _wrong(file.read(), spec, _ids(spec, tokenizer_texts.make()))
    return f"{len(wrong)} of {tokenizer_texts.COUNT} texts have other ids" if wrong else None


def _wrong(
    content: bytes, spec: tokenizer_spec.TokenizerSpec, ids: Sequence[Sequence[int]]
) -> list[str]:
    ends = spec.described.start_of_sequence_id, spec.described.end_of_segment_id
    return differing(content, tokenizer_texts.make(), [[ends[0], *row, ends[1]] for row in ids])


def differing(content: bytes, found: Sequence[str], expected: Sequence[Sequence[int]]) -> list[str]:
    """Returns the texts whose ids by the library `tokenizers` are not the expected ones.

    Args:
      content: of a `tokenizer.json`.
      found: the texts.
      expected: their ids, special tokens included.
    """
    import tokenizers

    library = tokenizers.Tokenizer.from_str(content.decode())
    library.no_truncation()
    library.no_padding()
    encoded = library.encode_batch(list(found))
    return [
        text
        for text, one, ids in zip(found, encoded, expected, strict=True)
        if one.ids != list(ids)
    ]


def check_preprocessor(directory: str) -> None:
    """Checks, without TensorFlow, that a directory may be a preprocessor's.

    Raises:
      errors.InputError: it is not.
    """
    if not os.path.isfile(os.path.join(directory, "saved_model.pb")):
        raise errors.InputError(
            f"--preprocessor must be the folder of a SavedModel, got {directory!r}"
        )
    kind = manifest.read(directory).get("artifact", manifest.PREPROCESSOR)
    if kind != manifest.PREPROCESSOR:
        raise errors.InputError(f"--preprocessor {directory!r} is a {kind}")


def _spec(source: sources.Source, preprocessor: str | None) -> tokenizer_spec.TokenizerSpec | str:
    """Returns the tokenizer, or why it is not known."""
    assets = os.path.join(source.directory, "assets")
    request = tokenizer_choice.Request()
    if preprocessor is not None:
        request = _request(source.directory, preprocessor)
    recorded = finding.beside(assets) if os.path.isdir(assets) else None
    if recorded is None:
        return "the encoder has recorded none"
    if recorded.tokenization is None and preprocessor is None:
        name = os.path.basename(recorded.path)
        return f"the encoder has {name}, but not how text is split: say it with --preprocessor"
    if recorded.tokenization is not None:  # what is asked for must not contradict what is recorded
        request = dataclasses.replace(request, lower_case=None, keep_accents=None)
    spec = tokenizer_choice.resolve(request, directories=[assets])
    assert spec is not None
    return spec


def _request(encoder: str, preprocessor: str) -> tokenizer_choice.Request:
    """Returns what a preprocessor says of the tokenizer."""
    check_preprocessor(preprocessor)
    entries = manifest.read(preprocessor)
    belongs = belonging.check(encoder, preprocessor, allow_other_tokenization=True)
    if belongs.problems:
        title = f"--preprocessor {preprocessor!r} does not belong to {encoder!r}"
        raise errors.InputError(errors.listing(title, list(belongs.problems)))
    tokenization = entries.get("tokenization")
    if tokenization == tokenizations.HUGGING_FACE:
        return tokenizer_choice.Request(tokenization=tokenization)
    return tokenizer_choice.Request(
        tokenization=tokenization,
        lower_case=entries.get("lower_case"),
        keep_accents=entries.get("keep_accents"),
    )


def _ids(spec: tokenizer_spec.TokenizerSpec, found: Sequence[str]) -> list[list[int]]:
    """Returns the ids of texts by the tokenizer that a preprocessor has, without special tokens."""
    import tensorflow as tf

    from preprocess.tokenizers import engines

    engine = engines.make(
        spec.described,
        tokenization=spec.tokenization,
        lower_case=spec.lower_case,
        keep_accents=spec.keep_accents,
    )
    return engine.encode(tf.constant(list(found))).to_list()


def _ids_of(preprocessor: str, found: Sequence[str]) -> list[list[int]]:
    """Returns them by a preprocessor's SavedModel."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401, registers ops

    try:
        tokens = loading.load(preprocessor).tokenize(tf.constant(list(found)))
    except errors.InputError:
        raise
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise errors.InputError(
            f"--preprocessor {preprocessor!r} does not tokenize: {errors.first_line(error)}"
        ) from error
    return (tokens.merge_dims(1, 2) if tokens.shape.rank == 3 else tokens).to_list()


def _settings(spec: tokenizer_spec.TokenizerSpec, source: sources.Source) -> bytes:
    """Returns a `tokenizer_config.json`.

    `AlbertTokenizer` of transformers 5 replaces the steps of a `tokenizer.json` by its own.
    """
    names = tokenizer_json_content.special_tokens(spec)
    values = {
        **names,
        "bos_token": names["cls_token"],
        "eos_token": names["sep_token"],
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": _INPUTS,
        "model_max_length": source.config.max_position_embeddings,
        "clean_up_tokenization_spaces": False,
        "do_lower_case": spec.lower_case,
        "keep_accents": spec.keep_accents,
    }
    return (json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
