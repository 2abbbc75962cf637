"""Reads what a folder of sentence-transformers does with the states of its Transformer.

    recipe = sentence_transformers.read("paraphrase-albert-small-v2")  # None without modules.json
    recipe.pooling, recipe.max_seq_length

`modules.json` lists the parts: Transformer, Pooling, Dense and Normalize. Others are refused, and
so are settings that would change vectors.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors, pooling, strangers_files
from export.checkpoints.readers import sentence_transformers_modules as modules
from export.checkpoints.readers import sentence_transformers_parts as parts
from export.checkpoints.readers import sidecars

_TOKENIZER_CONFIG = "tokenizer_config.json"
_READ = (
    *("max_seq_length", "do_lower_case", "transformer_task", "modality_config"),
    *("module_output_name", "unpad_inputs", "backend"),  # the last two change no vector
)
# Keys whose dictionaries may have this one, which sentence-transformers takes out.
_ARGUMENTS = (
    *("model_args", "model_kwargs", "tokenizer_args", "processor_kwargs"),
    *("config_args", "config_kwargs"),
)
_TRUST = "trust_remote_code"
_STATES, _VECTOR, _SCORES = "token_embeddings", "sentence_embedding", "scores"
_EMBEDS, _CLASSIFIES = "feature-extraction", "sequence-classification"
# What is read of transformers' model, for what sentence-transformers then calls it.
_OUTPUTS = {
    (_EMBEDS, "last_hidden_state"): _STATES,
    (_EMBEDS, "pooler_output"): _VECTOR,
    (_CLASSIFIES, "logits"): _SCORES,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a folder says.

    Attributes:
      pooling: from states to a vector; None if the folder makes no vectors.
      max_seq_length: tokens after which a text is cut; None if it does not say.
      notices: what the user should know.
    """

    pooling: pooling.Pooling | None
    max_seq_length: int | None
    notices: tuple[str, ...] = ()


def beside(directories: Sequence[str]) -> Recipe | None:
    """Returns what the folder says whose Transformer the weights in a directory are.

    It is the directory, or the one above.
    """
    folder = folder_of(directories)
    return read(folder) if folder is not None else None


def folder_of(directories: Sequence[str]) -> str | None:
    """Returns the folder of sentence-transformers that has its Transformer in a directory."""
    for directory in directories:
        folder = modules.folder_of(directory)
        if folder is not None:
            return folder
    return None


def read(directory: str) -> Recipe | None:
    """Returns what a folder says; None if it is not of sentence-transformers.

    Raises:
      errors.CheckpointError: a file cannot be read, or there is a part that is not known.
    """
    with strangers_files.reading(repr(directory), error_type=errors.CheckpointError):
        found = modules.read(directory)
        return None if found is None else _read(directory, found)


def makes_vectors(directory: str) -> bool:
    """Returns whether a folder is for vectors: not where its Transformer gives scores."""
    with strangers_files.reading(repr(directory), error_type=errors.CheckpointError):
        for module in modules.read(directory) or ():
            if module.kind == modules.TRANSFORMER:
                settings, _ = _settings(os.path.join(directory, module.folder))
                return settings.get("transformer_task") != _CLASSIFIES
    return True


def _read(directory: str, found: Sequence[modules.Module]) -> Recipe:
    transformer, output = directory, None
    modes: tuple[str, ...] | None = None
    dense, normalize = [], False
    for module in found:
        folder = os.path.join(directory, module.folder)
        if module.kind == modules.TRANSFORMER and output is None:
            transformer, output = folder, _output(folder)
            modes = (pooling.POOLED,) if output == _VECTOR else None
        elif module.kind == modules.POOLING and output == _STATES and modes is None:
            modes = parts.modes(folder)
        elif module.kind == modules.DENSE and modes and not normalize:
            dense.append(parts.dense(folder))
        elif module.kind == modules.NORMALIZE and modes:
            parts.check_normalize(folder)
            normalize = True
        else:
            raise errors.CheckpointError(
                f"{os.path.join(directory, modules.FILE)!r} has a part {module.type} at its "
                "place, which a text model cannot have: sentence-transformers' own Transformer, "
                "Pooling, Dense and Normalize can be exported, in this order"
            )
    settings, _ = _settings(transformer)
    prompt, notices = _prompt(directory)
    how = pooling.Pooling(
        modes=modes or (),
        dense=tuple(dense),
        normalize=normalize,
        prompt=prompt,
        lower_case=bool(settings.get("do_lower_case")),
    )
    return Recipe(
        pooling=how if modes else None,
        max_seq_length=_length(settings, transformer),
        notices=notices if modes else (),
    )


def _settings(transformer: str) -> tuple[dict[str, Any], str]:
    """Returns the settings of a Transformer, and their file, as sentence-transformers does."""
    for name in modules.SETTINGS:
        if settings := _optional(transformer, name):
            return settings, os.path.join(transformer, name)
    return {}, os.path.join(transformer, modules.SETTINGS[0])


def _output(transformer: str) -> str:
    """Returns what a Transformer makes: states, a vector or scores."""
    settings, path = _settings(transformer)
    parts.check_settings(_without_empty(settings), path, known=_READ, defaults={})
    task, modalities = settings.get("transformer_task", _EMBEDS), settings.get("modality_config")
    if modalities is None:  # of before 5.4, which knew nothing else
        found = {_EMBEDS: _STATES, _CLASSIFIES: _SCORES}.get(task)
    else:
        text = modalities.get("text", {})
        key = (task, text.get("method_output_name"))
        is_usual = {*modalities} == {"text"} and text.get("method") == "forward"
        found = _OUTPUTS.get(key) if is_usual else None
        found = found if found == settings.get("module_output_name") else None
    if found is None:
        raise errors.CheckpointError(
            f"{path!r} has a transformer_task, modality_config or module_output_name that is not "
            "known: texts, and of transformers' model last_hidden_state as token_embeddings or "
            "pooler_output as sentence_embedding are"
        )
    return found


def _without_empty(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings without the arguments for transformers that say nothing."""
    rest = dict(settings)
    for key in _ARGUMENTS:
        if isinstance(values := settings.get(key), Mapping):
            rest[key] = {name: value for name, value in values.items() if name != _TRUST}
    if isinstance(values := settings.get("processing_kwargs"), Mapping):
        rest["processing_kwargs"] = {name: value for name, value in values.items() if value}
    return rest


def _prompt(directory: str) -> tuple[str, tuple[str, ...]]:
    """Returns the prompt that `encode` puts in front of texts, and what is to be said of others."""
    config = _optional(directory, modules.MODEL_CONFIG)
    prompts, default = config.get("prompts") or {}, config.get("default_prompt_name")
    if not isinstance(prompts, dict) or (default is not None and default not in prompts):
        raise errors.CheckpointError(
            f"{os.path.join(directory, modules.MODEL_CONFIG)!r} has no prompt named {default!r}, "
            "or no prompts by name"
        )
    prompts = {name: str(text) for name, text in prompts.items() if text}
    others = ", ".join(name for name in prompts if name != default)
    notices = (f"its prompts {others} are not put in front of texts",) if others else ()
    return prompts.get(default, ""), notices


def _length(settings: Mapping[str, Any], transformer: str) -> int | None:
    for value in (
        settings.get("max_seq_length"),
        _optional(transformer, _TOKENIZER_CONFIG).get("model_max_length"),
    ):
        if isinstance(value, int) and 0 < value < 1 << 20:  # tokenizers write 1e30 for none
            return value
    return None


def _optional(directory: str, name: str) -> dict[str, Any]:
    path = os.path.join(directory, name)
    return sidecars.read_json(path) if os.path.isfile(path) else {}
