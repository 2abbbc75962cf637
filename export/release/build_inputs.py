"""What a model is made from, by content: what must not change under a version that was released.

Example:
    build_inputs.collect(model, parts={})  # {"config": {...}, "weights": {...}, "tokenizer": {...}}

The same facts stand in the manifest of the artifact, so that it can be held against them.
"""

import json
from collections.abc import Mapping
from typing import Any

from export.artifacts import encoder_spec
from export.metadata import manifest
from export.release import model_list
from preprocess.vocabulary import vocabularies

_OVERRIDES = ("hidden_dropout_prob", "attention_probs_dropout_prob")


def collect(model: model_list.Model, *, parts: Mapping[str, str]) -> dict[str, Any]:
    """Returns what a model is made from, as JSON values.

    Args:
      model: the model.
      parts: the sha256 of the tarballs of the models that an embedder is made of, by `str(model)`.

    Raises:
      errors.InputError: a source cannot be read, or does not fit the others.
    """
    if model.kind == manifest.ENCODER:
        facts = _spec(model).manifest_entries()
    elif model.kind == manifest.PREPROCESSOR:
        vocabulary = vocabularies.read(
            model.sources.get("sp_model_file"), vocab_file=model.sources.get("vocab_file")
        )
        facts = {"tokenizer": {"file": vocabulary.file_name, "sha256": vocabulary.file_sha256}}
    else:
        facts = {
            part: {"model": other, "sha256": parts[other]} for part, other in model.sources.items()
        }
    return json.loads(json.dumps(facts))


def _spec(model: model_list.Model) -> encoder_spec.EncoderSpec:
    """Returns the spec that `export.encoder` makes of the model's flags."""
    options = model.options
    common: dict[str, Any] = {
        "config": model.sources.get("config"),
        "overrides": {name: options[name] for name in _OVERRIDES if name in options},
        "sp_model_file": model.sources.get("sp_model_file"),
        "vocab_file": model.sources.get("vocab_file"),
        "lower_case": options.get("lower_case", True),
        "mlm": options.get("mlm", True),
    }
    if "checkpoint" in model.sources:
        return encoder_spec.from_checkpoint(
            model.sources["checkpoint"],
            checkpoint_format=options.get("checkpoint_format"),
            **common,
        )
    return encoder_spec.untrained(seed=options.get("seed", 0), **common)
