"""Checks that models of a list can be converted, before any of them is built.

Example:
    planned_conversions.check(listed)

A model is planned from its config, its heads and its tokenizer, without weights. Only its weights
and texts tell how far a quantized or compiled one is from it: that is measured when it is made.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from configs import errors, hub_api
from export.artifacts import encoder_spec, text_model_spec, tokenizer_spec
from export.checkpoints import weight_table
from export.conversion import conversion, formats
from export.conversion import source as sources
from export.conversion.text import compiled_tokenizer, text_source
from export.metadata import manifest
from export.release import build_inputs, model_list

_Models = Mapping[str, model_list.ModelSpec]  # by name and version
_TOKENIZATION = ("tokenization", "lower_case", "keep_accents", "tokenization_sha256")


def check(listed: Sequence[model_list.ModelSpec]) -> None:
    """Checks the formats of all models, and that their packages are installed.

    Models that cannot be made at all are passed over: building them says why.

    Raises:
      errors.ReleaseError: the message lists every problem.
    """
    by_name = {str(model): model for model in listed}
    requests: dict[str, list[conversion.Request]] = {}
    for model in listed:
        if model.kind == manifest.CONVERSION:
            (name,) = model.sources.values()
            requests.setdefault(name, []).append(_request(model))
    missing = {
        formats.FORMATS[request.format_name].missing(
            for_text=by_name[name].kind != manifest.ENCODER
        )
        for name, of_model in requests.items()
        for request in of_model
    }
    problems = sorted(filter(None, missing))
    if not problems:
        for name, of_model in requests.items():
            problems += _problems(by_name[name], of_model, by_name)
    if problems:
        raise errors.ReleaseError(errors.listing("formats of the models", problems))


def _request(model: model_list.ModelSpec) -> conversion.Request:
    return conversion.Request(
        format_name=model.options["to"],
        quantize=model.options["quantize"],
        signatures=tuple(filter(None, model.options.get("signature", "").split(","))),
    )


def _problems(
    model: model_list.ModelSpec, requests: Sequence[conversion.Request], by_name: _Models
) -> list[str]:
    """Returns why a model cannot be converted; nothing if it can, or cannot be made itself."""
    of_encoder = by_name[model.sources.get(manifest.ENCODER, str(model))]
    try:
        spec = build_inputs.encoder(of_encoder)
        planned = _encoder(str(model), spec, of_encoder)
        if model.kind != manifest.ENCODER:
            planned = _text_model(model, spec, planned)
            preprocessor = build_inputs.preprocessor(by_name[model.sources[manifest.PREPROCESSOR]])
    except errors.InputError:
        return []
    problems = []
    for request in requests:
        try:
            conversion.check_convertible(planned, request=request)
            if (
                model.kind != manifest.ENCODER
                and not formats.FORMATS[request.format_name].is_folder
            ):
                _check_tokenizer(model, spec.tokenizer, preprocessor)
        except errors.InputError as error:
            label = formats.label(request.format_name, quantize=request.quantize)
            problems.append(f"{model} cannot have {label!r}: {error}")
    return problems


def _text_model(
    model: model_list.ModelSpec, spec: encoder_spec.EncoderSpec, encoder: sources.Source
) -> text_source.TextModel:
    """Returns a text model or an embedder.

    Raises:
      errors.InputError: it cannot be made.
    """
    entries = spec.manifest_entries()
    plan = text_model_spec.Plan(_text_request(model), entries)
    if plan.problems:
        raise errors.InputError("; ".join(plan.problems))
    is_fill_mask = plan.task == text_model_spec.FILL_MASK
    return text_source.TextModel(
        directory=encoder.directory,
        config=encoder.config,
        variables=encoder.variables if is_fill_mask else {},
        heads=tuple(head for head in encoder.heads if head.kind == plan.task),
        manifest={"artifact": model.kind, "made_from": {manifest.ENCODER: encoder.manifest}},
        task=plan.task,
        pooling=plan.pooling,
        max_seq_length=plan.length,
        long_texts=model.options.get("long_texts", text_source.CUT),
    )


def _encoder(
    name: str, spec: encoder_spec.EncoderSpec, model: model_list.ModelSpec
) -> sources.Source:
    """Returns an encoder; of its variables there is one of each head of pre-training."""
    scopes = {hub_api.MLM: weight_table.MLM_HEAD, hub_api.SOP: weight_table.SOP_HEAD}
    return sources.Source(
        directory=name,
        config=spec.config,
        variables={scopes[head]: np.empty(0) for head in spec.head_names if head in scopes},
        heads=spec.chosen_heads.heads,
        manifest={key: model.options[key] for key in ("compute_dtype",) if key in model.options},
    )


def _text_request(model: model_list.ModelSpec) -> text_model_spec.Request:
    if model.kind == manifest.EMBEDDER:
        return text_model_spec.Request(task=text_model_spec.EMBED, pooling="mean")
    names = [field.name for field in dataclasses.fields(text_model_spec.Request)]
    said = {name: model.options[name] for name in names if name in model.options}
    return text_model_spec.Request(**said)


def _check_tokenizer(
    model: model_list.ModelSpec,
    of_encoder: tokenizer_spec.TokenizerSpec | None,
    of_preprocessor: tokenizer_spec.TokenizerSpec,
) -> None:
    """Checks the tokenizer of a text model.

    Raises:
      errors.InputError: it cannot be compiled.
    """
    compiled_tokenizer.check(of_preprocessor)
    found = [one.manifest_entries() if one else {} for one in (of_encoder, of_preprocessor)]
    differs = any(found[0].get(key) != found[1].get(key) for key in _TOKENIZATION)
    if differs and model.options.get("allow_other_tokenization"):
        raise errors.InputError(
            "its encoder and its preprocessor tokenize in different ways, so it has no files of a "
            "tokenizer"
        )
