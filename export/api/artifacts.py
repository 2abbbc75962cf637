"""Exporting encoders and preprocessors, and verifying any artifact.

Example:
    path = artifacts.export_encoder("albert_large", model_name="albert_en_large")
"""

import os
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from configs import albert_config, errors
from export.api import notices
from export.artifacts import encoder_spec, tokenizer_choice
from export.artifacts.head_choice import Request as HeadRequest
from export.artifacts.tokenizer_choice import Request as TokenizerRequest
from export.checkpoints import opening
from export.metadata import checksums, manifest
from export.publishing import publish

if TYPE_CHECKING:  # it imports TensorFlow
    from export.verification import verification

_ANY_TOKENIZER, _ANY_HEAD = TokenizerRequest(), HeadRequest()
_DEFAULT_SEQ_LENGTH = 128


def export_encoder(
    checkpoint: str | None = None,
    *,
    model_name: str | None = None,
    config: str | None = None,
    checkpoint_format: str | None = None,
    tokenizer: TokenizerRequest | None = _ANY_TOKENIZER,
    mlm: bool | None = None,
    head: HeadRequest = _ANY_HEAD,
    adapter: str | None = None,
    allow_unused: str | None = None,
    overrides: Mapping[str, float] = types.MappingProxyType({}),
    compute_dtype: str = "float32",
    attention_outputs: bool = False,
    from_embeddings: bool = False,
    recompute: bool = False,
    seed: int = 0,
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: notices.Log = notices.ignore,
    on_progress: notices.OnProgress = notices.ignore,
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
      head: what you say of heads of a fine-tuned model, kept from the weights or new.
      adapter: folder of a LoRA adapter to merge into the weights.
      allow_unused: regular expression: tensors in whose names it is found may be left out.
      overrides: values in place of the config's, of dropout for example.
      compute_dtype: "float32" or "bfloat16", of activations and products.
      attention_outputs: whether callables that compute padding also return `attention_probs`.
      from_embeddings: whether there is `.from_embeddings`, the encoder on word embeddings.
      recompute: whether gradients compute each block again: training takes less memory, and longer.
      seed: of the random weights.
      export_dir: folder of the models; made if missing.
      version: a positive integer; None for the next free one.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
      log: called with notices for the user.
      on_progress: called while weights are read.
    """
    common: dict[str, Any] = {"config": config, "overrides": overrides, "mlm": mlm}
    common |= {"seed": seed, "head": head}
    if checkpoint is None:
        spec = encoder_spec.untrained(tokenizer=tokenizer or _ANY_TOKENIZER, **common)
    else:
        spec = encoder_spec.from_checkpoint(
            checkpoint,
            checkpoint_format=checkpoint_format,
            tokenizer=tokenizer,
            adapter=adapter,
            allow_unused=allow_unused,
            **common,
        )
    if model_name is None and config in albert_config.SIZES:
        model_name = f"albert_en_{config}"
    if not model_name:
        raise errors.DestinationError("--model_name is required unless --config is a size")
    with publish.staged(
        export_dir, model_name=model_name, version=version, serving_warmup=serving_warmup
    ) as publication:
        notices.tell(log, model_name, spec.notices())
        from export.artifacts import encoder_artifact  # imports TensorFlow

        encoder_artifact.write(
            publication.directory,
            spec=spec,
            compute_dtype=compute_dtype,
            attention_outputs=attention_outputs,
            from_embeddings=from_embeddings,
            recompute=recompute,
            on_progress=on_progress,
        )
        return publication.publish()


def export_preprocessor(
    *,
    model_name: str = "albert_en_preprocess",
    checkpoint: str | None = None,
    encoder: str | None = None,
    tokenizer: TokenizerRequest = _ANY_TOKENIZER,
    default_seq_length: int | None = None,
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: notices.Log = notices.ignore,
) -> str:
    """Exports a preprocessor, text to the encoder's inputs; returns the path of its version.

    Args:
      model_name: folder above the versions.
      checkpoint: weights with whose tokenizer it is made, see `opening.open`.
      encoder: folder of an exported encoder with whose tokenizer it is made. Without these, and
        without a file in `tokenizer`, it has the demo vocabulary.
      tokenizer: what you say of it.
      default_seq_length: default length of the packed rows, in tokens; None for 128, or the
        positions of the checkpoint or the encoder if it has fewer.
      export_dir: folder of the models; made if missing.
      version: a positive integer; None for the next free one.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
      log: called with notices for the user.
    """
    chosen = tokenizer_choice.of(tokenizer, checkpoint=checkpoint, encoder=encoder)
    with publish.staged(
        export_dir, model_name=model_name, version=version, serving_warmup=serving_warmup
    ) as publication:
        notices.tell(log, model_name, chosen.notices)
        from export.artifacts import preprocessor_artifact  # imports TensorFlow

        preprocessor_artifact.write(
            publication.directory,
            tokenizer=chosen,
            default_seq_length=default_seq_length or _seq_length(checkpoint, encoder),
        )
        return publication.publish()


def _seq_length(checkpoint: str | None, encoder: str | None) -> int:
    positions: int | None = None
    if checkpoint is not None:
        positions = opening.open(checkpoint).sizes.get("max_position_embeddings")
    elif encoder is not None:
        positions = manifest.read(encoder).get("config", {}).get("max_position_embeddings")
    return min(_DEFAULT_SEQ_LENGTH, positions or _DEFAULT_SEQ_LENGTH)


def verify(
    artifact: str,
    *,
    checkpoint: str | None = None,
    checkpoint_format: str | None = None,
    config: str | None = None,
    adapter: str | None = None,
    allow_unused: str | None = None,
    texts: str | None = None,
    source: str | None = None,
    log: notices.Log = notices.ignore,
) -> "verification.Verification":
    """Checks a SavedModel against the contract and, if given, against its checkpoint.

    What was converted from a SavedModel is run in its runtime, and compared with that.

    Args:
      artifact: folder of a SavedModel of any exporter, or of what was converted from one.
      checkpoint: the weights that an encoder or a text model was made from, see `opening.open`.
      checkpoint_format: one of `weight_table.FORMATS`; None to detect it.
      config: the checkpoint's config, a size or a path; None for the one that comes with it.
      adapter: folder of a LoRA adapter to merge into the checkpoint.
      allow_unused: regular expression: tensors in whose names it is found may be left out.
      texts: file of texts to compare a text model on, one a line; of pairs, and of questions and
        contexts, with a tab between. None for a built-in set.
      source: folder of the SavedModel that something was converted from; None for the one beside
        it that has the digest which its manifest records.
      log: called with what begins, because each takes a while.

    Returns:
      The results; `.problems` is empty if every check passed.
    """
    if checksums.exists(artifact) or os.path.lexists(os.path.join(artifact, manifest.FILE)):
        damages = checksums.problems(artifact)  # before parsing any of them
        if damages:
            raise errors.VerificationError(errors.listing(f"{artifact!r} is damaged", damages))
    is_conversion = manifest.read(artifact).get("artifact") == manifest.CONVERSION
    if is_conversion:
        if checkpoint is not None:
            raise errors.CheckpointError(
                f"{artifact!r} was converted: it is compared with its SavedModel, --source, not "
                "with a checkpoint"
            )
        from export.conversion import conversion  # imports TensorFlow

        log("running it and the SavedModel that it was made from")
        return conversion.verify(artifact, source=source)
    if source is not None:
        raise errors.InputError(f"--source is for what was converted, which {artifact!r} is not")
    if not os.path.isfile(os.path.join(artifact, "saved_model.pb")):
        raise errors.CheckpointError(f"{artifact!r} is not the directory of a SavedModel")
    opened = None
    if texts is not None and checkpoint is None:
        raise errors.InputError("--texts needs --checkpoint, to compare with")
    if texts is not None and not os.path.isfile(texts):
        raise errors.InputError(f"--texts {texts!r} is not a file")
    if checkpoint is not None:
        options = {"adapter": adapter, "allow_unused": allow_unused}
        opened = opening.open(checkpoint, checkpoint_format=checkpoint_format, **options)
    from export.verification import verification  # imports TensorFlow

    return verification.verify(artifact, checkpoint=opened, config=config, texts=texts, log=log)
