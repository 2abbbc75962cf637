"""The list of models to release, `models.json`, and its short form.

Example:
    model_list.read("models.json")
    model_list.untrained(["tiny", "base"])  # random weights, and the preprocessor

`python -m export.release --help` shows an example. Fields and options have the names of the
exporters' flags. Paths are relative to the folder of the list.
"""

import collections
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from configs import albert_config, errors, strangers_files
from export.checkpoints.readers import hugging_face_download
from export.metadata import manifest
from export.publishing import staging
from export.release import formats_field

_REQUIRED: Mapping[str, type] = {"name": str, "kind": str, "version": int}
_OPTIONS = "options"
_FILES = ("config", "checkpoint", "sp_model_file", "vocab_file")
# The sources of each kind: checkpoints, files, or other models of the list.
_SOURCES: Mapping[str, tuple[str, ...]] = {
    manifest.ENCODER: _FILES,
    manifest.PREPROCESSOR: ("checkpoint", "sp_model_file", "vocab_file"),
    manifest.EMBEDDER: ("encoder", "preprocessor"),
    manifest.TEXT_MODEL: ("encoder", "preprocessor"),
}
_TOKENIZER_OPTIONS: Mapping[str, type] = {
    **dict.fromkeys(("keep_accents", "lower_case"), bool),
    **dict.fromkeys(("language", "special_tokens", "tokenization"), str),
}
_OPTIONS_OF_VECTORS: Mapping[str, type] = {
    "allow_other_tokenization": bool,
    "max_seq_length": int,
    "normalize": bool,
    "pooling": str,
    "serving_warmup": bool,
}
# Flags of each kind's exporter, which checks their values.
OPTIONS: Mapping[str, Mapping[str, type]] = {
    manifest.ENCODER: {
        "attention_outputs": bool,
        "attention_probs_dropout_prob": float,
        "checkpoint_format": str,
        "compute_dtype": str,
        "from_embeddings": bool,
        "hidden_dropout_prob": float,
        "mlm": bool,
        "recompute": bool,
        "seed": int,
        "serving_warmup": bool,
        "tokenizer": bool,
        **_TOKENIZER_OPTIONS,
    },
    manifest.PREPROCESSOR: {
        "default_seq_length": int,
        "serving_warmup": bool,
        **_TOKENIZER_OPTIONS,
    },
    manifest.EMBEDDER: _OPTIONS_OF_VECTORS,
    manifest.TEXT_MODEL: {
        "long_texts": str,
        "max_answer_length": int,
        "task": str,
        **_OPTIONS_OF_VECTORS,
    },
}
# Kinds that are made of other models of the list.
COMPOSED = (manifest.EMBEDDER, manifest.TEXT_MODEL, manifest.CONVERSION)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A version of a model to release.

    Attributes:
      name: the folder above its versions.
      version: a positive integer.
      kind: `manifest.ENCODER`, `PREPROCESSOR`, `EMBEDDER`, `TEXT_MODEL`; or `CONVERSION`, which
        `formats` of a model makes.
      sources: by the exporter's flag, the size or path of a config, the path or `hf://` address of
        a checkpoint, the path of a tokenizer; of a kind in `COMPOSED`, the `str` of others, of a
        conversion by the kind of the one that is converted.
      options: other flags of the exporter.
    """

    name: str
    version: int
    kind: str
    sources: Mapping[str, str]
    options: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


def untrained(sizes: Sequence[str]) -> list[ModelSpec]:
    """Returns version 1 of an encoder of each size with random weights, and of the preprocessor.

    Raises:
      errors.ReleaseError: there is no size, an unknown size, or a size twice.
    """
    problems = [
        f"{size!r} is not one of the sizes {', '.join(albert_config.SIZES)}"
        for size in sizes
        if size not in albert_config.SIZES
    ]
    if not sizes:
        problems.append("no size is given")
    if len(set(sizes)) < len(sizes):
        problems.append("a size is given twice")
    if problems:
        raise errors.ReleaseError(errors.listing("--configs", problems))
    listed = [(f"albert_en_{size}", manifest.ENCODER, {"config": size}) for size in sizes]
    listed.append(("albert_en_preprocess", manifest.PREPROCESSOR, {}))
    return [
        ModelSpec(name=name, version=1, kind=kind, sources=sources, options={})
        for name, kind, sources in listed
    ]


def read(path: str) -> list[ModelSpec]:
    """Reads a list of models. What a model is converted to follows it.

    Raises:
      errors.ReleaseError: the list cannot be read; or the message lists everything that is unknown,
        missing, duplicate or of a wrong type, and every file that does not exist.
    """
    try:
        with open(path, encoding="utf-8", opener=strangers_files.opener) as file:
            content = strangers_files.parse_json(file.read(), object_pairs_hook=_object)
    except (OSError, ValueError) as error:
        raise errors.ReleaseError(f"models {path!r} cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("models"), list):
        raise errors.ReleaseError(f'models {path!r} must be {{"models": [...]}}')
    problems = [f"unknown field {name!r}" for name in content if name != "models"]
    if not content["models"]:
        problems.append("the list is empty")
    folder = os.path.dirname(os.path.abspath(path))
    found: list[ModelSpec] = []
    all_valid = True
    for number, values in enumerate(content["models"], start=1):
        title = f"model {number}"
        if isinstance(values, dict) and isinstance(values.get("name"), str):
            title += f" ({values['name']})"
        wrong = _problems(values, folder)
        problems += [f"{title}: {problem}" for problem in wrong]
        all_valid &= not wrong
        if not wrong:
            found += _models(values, folder)
    problems += _inconsistencies(found, all_valid=all_valid)
    if problems:
        raise errors.ReleaseError(errors.listing(f"models {path!r}", problems))
    return found


def in_order(listed: Sequence[ModelSpec]) -> list[list[ModelSpec]]:
    """Returns the models in lists, each of which is made of models of earlier lists alone."""
    conversions = [model for model in listed if model.kind == manifest.CONVERSION]
    others = [model for model in listed if model not in conversions]
    return [
        [model for model in others if model.kind not in COMPOSED],
        [model for model in others if model.kind in COMPOSED],
        conversions,
    ]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError(f"a key is twice in an object with {', '.join(values)}")
    return values


def _problems(values: Any, folder: str) -> list[str]:
    """Returns the problems of a model's fields, whose paths are relative to `folder`."""
    if not isinstance(values, dict):
        return ["must be a JSON object"]
    problems = [f"{name} is missing" for name in _REQUIRED if name not in values]
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _SOURCES:
        return [*problems, f"kind must be one of {', '.join(_SOURCES)}, got {kind!r}"]
    sources = _SOURCES[kind]
    fields = {**_REQUIRED, **dict.fromkeys(sources, str), _OPTIONS: dict}
    if kind in formats_field.ALLOWED:
        fields[formats_field.NAME] = list
    others = {name: value for name, value in values.items() if name != formats_field.NAME}
    problems += _wrong_fields(others, fields, "field")
    options = values.get(_OPTIONS, {})
    if isinstance(options, dict):
        problems += _wrong_fields(options, OPTIONS[kind], "option")
    if formats_field.NAME in values:
        said = values[formats_field.NAME]
        problems += formats_field.problems(said, kind=kind, options=options)
    name, version = values.get("name"), values.get("version")
    if isinstance(name, str) and not staging.MODEL_NAME.fullmatch(name):
        problems.append(f"name must be letters, digits, '_', '-' and '.', got {name!r}")
    if isinstance(version, int) and version < 1:
        problems.append(f"version must be at least 1, got {version}")
    if kind == manifest.ENCODER and not {"config", "checkpoint"} & values.keys():
        problems.append("config or checkpoint is missing")
    if kind in COMPOSED:
        problems += [f"{name} is missing" for name in sources if name not in values]
    return problems + _missing_paths(values, sources, folder)


def _missing_paths(values: Mapping[str, Any], sources: Sequence[str], folder: str) -> list[str]:
    problems = []
    for field in sources:
        value = values.get(field)
        if isinstance(value, str) and _is_path(field, value):
            path = os.path.join(folder, value)
            # The path of a TensorFlow checkpoint is the prefix of its files.
            if not (os.path.exists(path) or os.path.exists(f"{path}.index")):
                problems.append(f"{field} {path!r} does not exist")
    return problems


def _wrong_fields(values: Mapping[str, Any], types: Mapping[str, type], noun: str) -> list[str]:
    problems = [
        f"unknown {noun} {name!r}, known are {', '.join(types)}"
        for name in values
        if name not in types
    ]
    names = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
    return problems + [
        f"{name} must be {names.get(kind, 'an object')}, got {values[name]!r}"
        for name, kind in types.items()
        if name in values and not _is(values[name], kind)
    ]


def _is(value: Any, kind: type) -> bool:
    """Returns whether a JSON value is of a type; `True` is not a number, and 1 is a float."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else kind)


def _models(values: Mapping[str, Any], folder: str) -> list[ModelSpec]:
    """Returns a model and, after it, what it is converted to."""
    sources = {name: values[name] for name in _SOURCES[values["kind"]] if name in values}
    model = ModelSpec(
        name=values["name"],
        version=values["version"],
        kind=values["kind"],
        sources={
            name: os.path.join(folder, value) if _is_path(name, value) else value
            for name, value in sources.items()
        },
        options=values.get(_OPTIONS, {}),
    )
    conversions = [
        ModelSpec(
            name=f"{model.name}-{label}",
            version=model.version,
            kind=manifest.CONVERSION,
            sources={model.kind: str(model)},
            options=flags,
        )
        for label, flags in formats_field.flags(values.get(formats_field.NAME, ())).items()
    ]
    return [model, *conversions]


def _is_path(field: str, value: str) -> bool:
    if field == "config":
        return value not in albert_config.SIZES
    return field in _FILES and not hugging_face_download.is_uri(value)


def _inconsistencies(found: Sequence[ModelSpec], *, all_valid: bool) -> list[str]:
    """Returns the problems of the list as a whole."""
    kinds = {str(model): model.kind for model in found}
    counts = collections.Counter(map(str, found))
    problems = [f"{model} is there twice" for model, count in counts.items() if count > 1]
    has_weights = any("checkpoint" in model.sources for model in found)
    for model in found if all_valid else ():
        if model.kind == manifest.PREPROCESSOR and has_weights and not model.sources:
            problems.append(
                f"{model} would have the demo vocabulary beside models with weights; give it "
                "checkpoint, sp_model_file or vocab_file"
            )
        if model.kind in COMPOSED:
            problems += [
                f"{model}: this list has no {kind} {name!r}; name it as <name>/<version>"
                for kind, name in model.sources.items()
                if kinds.get(name) != kind
            ]
    return problems
