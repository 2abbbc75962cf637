"""The inputs of a model by content, which must not change under a released version.

Example:
    build_inputs.collect(model, components={})  # {"config": {...}, "weights": {...}, ...}

They are also entries of the artifact's manifest, so that `build` can compare the two.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from export.artifacts import encoder_spec, tokenizer_choice, tokenizer_spec
from export.metadata import manifest
from export.release import model_list

_OVERRIDES = ("hidden_dropout_prob", "attention_probs_dropout_prob")


def collect(model: model_list.ModelSpec, *, components: Mapping[str, str]) -> dict[str, Any]:
    """Returns the inputs of a model, as JSON values.

    Args:
      model: the model.
      components: sha256 of the tarballs of the models that it is made of, by `str(model)`.

    Raises:
      errors.InputError: a source cannot be read, or does not fit the others.
    """
    if model.kind == manifest.ENCODER:
        entries = encoder(model).manifest_entries()
    elif model.kind == manifest.PREPROCESSOR:
        entries = preprocessor(model).manifest_entries()
    else:
        entries = {
            kind: {"model": name, "sha256": components[name]}
            for kind, name in model.sources.items()
        }
    return json.loads(json.dumps(entries))


def encoder(model: model_list.ModelSpec) -> encoder_spec.EncoderSpec:
    """Returns the spec that `export.encoder` makes of the model's flags.

    Raises:
      errors.InputError: a source cannot be read, or does not fit the others.
    """
    options = model.options
    common: dict[str, Any] = {
        "config": model.sources.get("config"),
        "overrides": {name: options[name] for name in _OVERRIDES if name in options},
        "mlm": options.get("mlm"),
    }
    if "checkpoint" in model.sources:
        return encoder_spec.from_checkpoint(
            model.sources["checkpoint"],
            checkpoint_format=options.get("checkpoint_format"),
            tokenizer=_request(model) if options.get("tokenizer", True) else None,
            **common,
        )
    seed = options.get("seed", 0)
    return encoder_spec.untrained(tokenizer=_request(model), seed=seed, **common)


def preprocessor(model: model_list.ModelSpec) -> tokenizer_spec.TokenizerSpec:
    """Returns the tokenizer that `export.preprocessor` takes by the model's flags.

    Raises:
      errors.InputError: it cannot be read.
    """
    checkpoint = model.sources.get("checkpoint")
    return tokenizer_choice.of(_request(model), checkpoint=checkpoint, encoder=None)


def _request(model: model_list.ModelSpec) -> tokenizer_choice.Request:
    said = {**model.sources, **model.options}
    names = [field.name for field in dataclasses.fields(tokenizer_choice.Request)]
    return tokenizer_choice.Request(**{name: said[name] for name in names if name in said})
