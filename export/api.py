"""The Python API, which the commands call: one function for each kind of artifact.

Example:
    from export import api

    path = api.export_encoder("albert_large/model.ckpt-best", model_name="albert_en_large")
    assert not api.verify(path, checkpoint="albert_large/model.ckpt-best").problems

All checks that do not need TensorFlow precede its import. An artifact is written to a staging
folder, checked by another process, and renamed to `<export_dir>/<model_name>/<version>`. Only the
first export of a process is reproducible, see `hub_module.save`; that of an embedder never.

Every function raises `configs.errors.InputError` with a message for the user.
"""

import os
import types
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from configs import albert_config, errors
from export.artifacts import embedder_spec, encoder_spec, tokenizer_choice
from export.artifacts.tokenizer_choice import Request as TokenizerRequest
from export.checkpoints import opening
from export.metadata import checksums, manifest
from export.publishing import publish, writing_process

if TYPE_CHECKING:  # it imports TensorFlow
    from export.verification import verification

Log = Callable[[str], None]
# Takes the number of weights read so far, and their total number.
OnProgress = Callable[[int, int], None]


_ANY_TOKENIZER = TokenizerRequest()


def _ignore(*_: Any) -> None:
    """Does nothing."""


def _log_all(log: Log, model_name: str, notices: Iterable[str]) -> None:
    for notice in notices:
        log(f"{model_name}: {notice}")


def export_encoder(
    checkpoint: str | None = None,
    *,
    model_name: str | None = None,
    config: str | None = None,
    checkpoint_format: str | None = None,
    tokenizer: TokenizerRequest | None = _ANY_TOKENIZER,
    mlm: bool | None = None,
    adapter: str | None = None,
    allow_unused: str | None = None,
    overrides: Mapping[str, float] = types.MappingProxyType({}),
    compute_dtype: str = "float32",
    seed: int = 0,
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: Log = _ignore,
    on_progress: OnProgress = _ignore,
) -> str:
    """Exports an encoder; returns the path of its version.

    Args:
      checkpoint: the weights, see `opening.open`; None for random ones.
      model_name: folder above the versions; None for `albert_en_<config>` if `config` is a size.
      config: a size or the path of a config; None for the one that comes with the checkpoint.
      checkpoint_format: one of `weight_table.FORMATS`; None to detect it.
      tokenizer: what you say of it; the rest is that of the checkpoint, or without one the demo
        vocabulary. None for ids that are not made from text.
      mlm: whether to export the masked language model, `.mlm`; None for what the weights have.
      adapter: folder of a LoRA adapter to merge into the weights.
      allow_unused: regular expression: tensors in whose names it is found may be left out.
      overrides: values in place of the config's, of dropout for example.
      compute_dtype: "float32" or "bfloat16", of activations and products.
      seed: of the random weights.
      export_dir: folder of the models; made if missing.
      version: a positive integer; None for the next free one.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
      log: called with notices for the user.
      on_progress: called while weights are read.
    """
    spec = encoder_spec.make(
        checkpoint,
        config=config,
        checkpoint_format=checkpoint_format,
        overrides=overrides,
        tokenizer=tokenizer,
        mlm=mlm,
        adapter=adapter,
        allow_unused=allow_unused,
        seed=seed,
    )
    if model_name is None and config in albert_config.SIZES:
        model_name = f"albert_en_{config}"
    if not model_name:
        raise errors.DestinationError("--model_name is required unless --config is a size")
    with publish.staged(
        export_dir, model_name=model_name, version=version, serving_warmup=serving_warmup
    ) as publication:
        _log_all(log, model_name, spec.notices())
        from export.artifacts import encoder_artifact  # imports TensorFlow

        encoder_artifact.write(
            publication.directory, spec=spec, compute_dtype=compute_dtype, on_progress=on_progress
        )
        return publication.publish()


def export_preprocessor(
    *,
    model_name: str = "albert_en_preprocess",
    checkpoint: str | None = None,
    encoder: str | None = None,
    tokenizer: TokenizerRequest = _ANY_TOKENIZER,
    default_seq_length: int = 128,
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: Log = _ignore,
) -> str:
    """Exports a preprocessor, text to the encoder's inputs; returns the path of its version.

    Args:
      model_name: folder above the versions.
      checkpoint: weights with whose tokenizer it is made, see `opening.open`.
      encoder: folder of an exported encoder with whose tokenizer it is made. Without these, and
        without a file in `tokenizer`, it has the demo vocabulary.
      tokenizer: what you say of it.
      default_seq_length: default length of the packed rows, in tokens.
      export_dir: folder of the models; made if missing.
      version: a positive integer; None for the next free one.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
      log: called with notices for the user.
    """
    chosen = tokenizer_choice.of(tokenizer, checkpoint=checkpoint, encoder=encoder)
    with publish.staged(
        export_dir, model_name=model_name, version=version, serving_warmup=serving_warmup
    ) as publication:
        _log_all(log, model_name, chosen.notices)
        from export.artifacts import preprocessor_artifact  # imports TensorFlow

        preprocessor_artifact.write(
            publication.directory, tokenizer=chosen, default_seq_length=default_seq_length
        )
        return publication.publish()


def export_all(
    checkpoint: str,
    *,
    model_name: str,
    preprocessor_name: str | None = None,
    default_seq_length: int = 128,
    compute_dtype: str = "float32",
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: Log = _ignore,
    on_progress: OnProgress = _ignore,
    **options: Any,
) -> tuple[str, str]:
    """Exports a checkpoint as an encoder and its preprocessor, both or neither.

    Args:
      checkpoint: the weights, see `opening.open`.
      model_name: folder above the encoder's versions.
      preprocessor_name: folder above the preprocessor's; None for `<model_name>_preprocess`.
      default_seq_length: default length of the packed rows, in tokens.
      compute_dtype: "float32" or "bfloat16", of activations and products.
      export_dir: folder of the models; made if missing.
      version: of both, a positive integer; None for the next that is free in both.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
      log: called with notices for the user.
      on_progress: called while weights are read.
      **options: further arguments of `export_encoder` about config, weights and tokenizer.

    Returns:
      The paths of the encoder and of the preprocessor.
    """
    spec = encoder_spec.from_checkpoint(checkpoint, **options)
    names = (preprocessor_name or f"{model_name}_preprocess", model_name)  # the encoder comes last
    if len(set(names)) < len(names):
        raise errors.DestinationError("encoder and preprocessor must have different names")
    with (
        publish.staged_together(
            export_dir, model_names=names, version=version, serving_warmup=serving_warmup
        ) as (preprocessor, encoder),
        writing_process.WritingProcess() as process,
    ):
        _log_all(log, model_name, spec.notices())
        process.start(
            "export.artifacts.preprocessor_artifact",
            preprocessor.directory,
            tokenizer=spec.tokenizer,
            default_seq_length=default_seq_length,
        )
        from export.artifacts import encoder_artifact  # imports TensorFlow

        encoder_artifact.write(
            encoder.directory, spec=spec, compute_dtype=compute_dtype, on_progress=on_progress
        )
        process.wait()
        preprocessor_path, encoder_path = publish.publish_together([preprocessor, encoder])
    return encoder_path, preprocessor_path


def export_embedder(
    *,
    encoder: str,
    preprocessor: str,
    model_name: str,
    pooling: str = "pooled",
    normalize: bool = False,
    max_seq_length: int | None = None,
    allow_other_tokenization: bool = False,
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: Log = _ignore,
) -> str:
    """Exports an encoder and its preprocessor as one model, text to vectors; returns its path.

    Args:
      encoder: folder of an exported encoder.
      preprocessor: folder of the exported preprocessor for the same vocabulary.
      model_name: folder above the versions.
      pooling: "pooled" for `pooled_output`; "mean" or "first" token of `sequence_output`.
      normalize: whether to scale the vectors to length one.
      max_seq_length: tokens after which a text is cut, special tokens included; None for 512, or
        the encoder's positions if it has fewer.
      allow_other_tokenization: whether the preprocessor may have another tokenization than the
        encoder has recorded.
      export_dir: folder of the models; made if missing.
      version: a positive integer; None for the next free one.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
    """
    spec = embedder_spec.EmbedderSpec(
        encoder_dir=encoder,
        preprocessor_dir=preprocessor,
        pooling=pooling,
        normalize=normalize,
        max_seq_length=max_seq_length,
        allow_other_tokenization=allow_other_tokenization,
    )
    with publish.staged(
        export_dir, model_name=model_name, version=version, serving_warmup=serving_warmup
    ) as publication:
        _log_all(log, model_name, spec.belonging.notices)
        from export.artifacts import embedder_artifact  # imports TensorFlow

        embedder_artifact.write(publication.directory, spec=spec)
        return publication.publish()


def verify(
    artifact: str,
    *,
    checkpoint: str | None = None,
    checkpoint_format: str | None = None,
    config: str | None = None,
    adapter: str | None = None,
    allow_unused: str | None = None,
) -> "verification.Verification":
    """Checks a SavedModel against the contract and, if given, against its checkpoint.

    Args:
      artifact: folder of an encoder, preprocessor or embedder SavedModel of any exporter.
      checkpoint: the weights that an encoder was made from, see `opening.open`.
      checkpoint_format: one of `weight_table.FORMATS`; None to detect it.
      config: the checkpoint's config, a size or a path; None for the one that comes with it.
      adapter: folder of a LoRA adapter to merge into the checkpoint.
      allow_unused: regular expression: tensors in whose names it is found may be left out.

    Returns:
      The results; `.problems` is empty if every check passed.
    """
    if checksums.exists(artifact) or os.path.lexists(os.path.join(artifact, manifest.FILE)):
        damages = checksums.problems(artifact)  # before parsing any of them
        if damages:
            raise errors.VerificationError(errors.listing(f"{artifact!r} is damaged", damages))
    if not os.path.isfile(os.path.join(artifact, "saved_model.pb")):
        raise errors.CheckpointError(f"{artifact!r} is not the directory of a SavedModel")
    opened = None
    if checkpoint is not None:
        opened = opening.open(
            checkpoint,
            checkpoint_format=checkpoint_format,
            adapter=adapter,
            allow_unused=allow_unused,
        )
    from export.verification import verification  # imports TensorFlow

    return verification.verify(artifact, checkpoint=opened, config=config)
