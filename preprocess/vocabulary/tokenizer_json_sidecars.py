"""Compares a `tokenizer.json` with the settings beside it, which AutoTokenizer applies on top.

    notices = tokenizer_json_sidecars.check("checkpoint", tokenizer, names=None)

transformers 4.57 and 5.24 change the tokenizer of the file: its normalizer if the class is BERT's,
and its added tokens whatever the class is. Settings that say what the file says make no difference.
"""

from collections.abc import Iterator, Mapping

from configs import errors
from preprocess.vocabulary import (
    added_token_files,
    hugging_face,
    json_files,
    special_names,
    tokenizer_class,
    tokenizer_config,
)
from preprocess.vocabulary.json_files import Json

_FILE = "tokenizer.json"
_CONFIG, _ADDED, _MAP = tokenizer_config.FILES
# Those of an added token that decide where it is found.
_FLAGS = ("lstrip", "rstrip", "single_word", "normalized")
_NAMED = (*special_names.ROLES, *added_token_files.NAMED)
_REMEDY = (
    "load the folder with transformers' AutoTokenizer and save_pretrained it there: its "
    f"{_FILE} then says the same"
)


def check(
    directory: str,
    tokenizer: hugging_face.HuggingFaceTokenizer,
    *,
    names: Mapping[str, str] | None,
) -> tuple[str, ...]:
    """Checks what lies beside a `tokenizer.json`; returns a sentence for each thing to know.

    Args:
      directory: of the file.
      tokenizer: what the file says.
      names: of special tokens by role that the user gives in place of those in the files.

    Raises:
      errors.VocabularyError: AutoTokenizer makes another tokenizer of the folder; the message lists
        every contradiction.
    """
    settings = json_files.beside(directory, _CONFIG)
    if tokenizer_config.tokenization(settings) is not None:  # written by `to_json`, of the file
        return ()
    class_name = _class_name(directory)
    problems = _added_problems(directory, settings, tokenizer, names)
    notices = []
    if class_name in tokenizer_class.BERT and _is_wordpiece(tokenizer):
        problems += _contradictions(_bert_values(settings, tokenizer), settings, class_name)
    elif class_name in tokenizer_class.ALBERT and not _is_wordpiece(tokenizer):
        notices = [
            f"{found}: {_FILE} decides, as in transformers 4; transformers 5 follows {_CONFIG}"
            for found in _contradictions(_albert_values(settings, tokenizer), settings, class_name)
        ]
    remedies = [_REMEDY] if problems else []
    if settings.get("split_special_tokens"):
        problems.append(
            f"{_CONFIG} has split_special_tokens true, which the graph cannot do: with {_FILE} "
            "alone, it is false"
        )
        remedies.append("set split_special_tokens to false if texts need not be split so")
    if problems:
        title = f"{_FILE} in {directory!r} is not all that makes its tokenizer"
        raise errors.VocabularyError(
            errors.listing(title, problems) + f". Remedy: {', and '.join(remedies)}"
        )
    return tuple(notices)


def _class_name(directory: str) -> str | None:
    """Returns the class that AutoTokenizer takes; None if the files do not say it."""
    config = json_files.beside(directory, tokenizer_class.MODEL_CONFIG)
    of_model = "AlbertTokenizer" if config.get("model_type") == "albert" else None
    return tokenizer_class.said(directory)[0] or of_model


def _is_wordpiece(tokenizer: hugging_face.HuggingFaceTokenizer) -> bool:
    return isinstance(tokenizer.model, hugging_face.WordPiece)


# By key: the value that the class takes, and that of the file.
_Values = dict[str, tuple[bool, bool]]


def _bert_values(settings: Json, tokenizer: hugging_face.HuggingFaceTokenizer) -> _Values:
    wanted = tokenizer_config.bert_settings(settings)
    separates = hugging_face.SeparateIdeographs() in tokenizer.steps
    return {
        "do_lower_case": (wanted.lower_case, tokenizer.lower_case),
        "strip_accents": (wanted.strip_accents, not tokenizer.keep_accents),
        "tokenize_chinese_chars": (wanted.separate_ideographs, separates),
    }


def _albert_values(settings: Json, tokenizer: hugging_face.HuggingFaceTokenizer) -> _Values:
    return {
        "do_lower_case": (bool(settings.get("do_lower_case", True)), tokenizer.lower_case),
        "keep_accents": (bool(settings.get("keep_accents", False)), tokenizer.keep_accents),
        # Another prepend_scheme than "always" is refused where the file is read.
        "add_prefix_space": (bool(settings.get("add_prefix_space", True)), True),
    }


def _contradictions(values: _Values, settings: Json, class_name: str | None) -> list[str]:
    return [
        f"{_CONFIG} has {key} {_said(wanted)}"
        + (
            ""
            if settings.get(key) is not None
            else f" (which {class_name} takes where it is unsaid)"
        )
        + f", {_FILE} {_said(said)}"
        for key, (wanted, said) in values.items()
        if wanted != said
    ]


def _said(value: bool) -> str:
    return str(value).lower()


def _added_problems(
    directory: str,
    settings: Json,
    tokenizer: hugging_face.HuggingFaceTokenizer,
    names: Mapping[str, str] | None,
) -> list[str]:
    """Returns in which added tokens the files beside differ from the `tokenizer.json`."""
    by_content = {token.content: token for token in tokenizer.added_tokens}
    problems = {}
    for where, content in _contents(directory, settings, names):
        if content not in by_content:
            problems[content] = f"{where} has the token {content!r}, {_FILE} does not add it"
    for values in settings.get("added_tokens_decoder", {}).values():
        token = by_content.get(values["content"])
        flags = {flag: bool(values.get(flag, False)) for flag in _FLAGS}
        flags["normalized"] = bool(values.get("normalized", not values.get("special", False)))
        other = [] if token is None else [f for f in _FLAGS if flags[f] != getattr(token, f)]
        if other:
            wanted = ", ".join(f"{flag} {_said(flags[flag])}" for flag in other)
            said = ", ".join(f"{flag} {_said(getattr(token, flag))}" for flag in other)
            content = values["content"]
            problems[content] = f"{_CONFIG} has {content!r} with {wanted}, {_FILE} with {said}"
    return list(problems.values())


def _contents(
    directory: str, settings: Json, names: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    """Yields the tokens that AutoTokenizer adds, with the file that has them."""
    for values in settings.get("added_tokens_decoder", {}).values():
        yield _CONFIG, values["content"]
    if "added_tokens_decoder" in settings:  # then transformers reads no other file
        sources = {_CONFIG: settings}
    else:
        by_map = json_files.beside(directory, _MAP)
        sources = {_CONFIG: {k: v for k, v in settings.items() if k not in by_map}, _MAP: by_map}
        for content in json_files.beside(directory, _ADDED):
            yield _ADDED, content
    for where, values in sources.items():
        for key in _NAMED:
            if names is None or special_names.ROLES.get(key) not in names:
                for content in added_token_files.names([values.get(key)]):
                    yield where, content
        for key in added_token_files.LISTED:
            for content in added_token_files.listed(values.get(key)):
                yield where, content
