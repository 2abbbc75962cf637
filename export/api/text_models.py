"""Exporting models from text to the answer, and all artifacts of a checkpoint at once.

Example:
    path = text_models.export_text_model(checkpoint="my_albert", model_name="my_albert_text")
"""

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from configs import errors
from export.api import notices
from export.artifacts import embedder_spec, encoder_spec, text_model_plan, text_model_spec
from export.artifacts.head_choice import Request as HeadRequest
from export.artifacts.text_model_spec import Request as TextModelRequest
from export.artifacts.tokenizer_choice import Request as TokenizerRequest
from export.metadata import manifest
from export.publishing import publish, writing_process

_ANY_TEXT_MODEL = TextModelRequest()
_DEFAULT_SEQ_LENGTH = 128


def export_all(
    checkpoint: str,
    *,
    model_name: str,
    preprocessor_name: str | None = None,
    text_model_name: str | None = None,
    text_model: TextModelRequest | None = _ANY_TEXT_MODEL,
    default_seq_length: int | None = None,
    compute_dtype: str = "float32",
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: notices.Log = notices.ignore,
    on_progress: notices.OnProgress = notices.ignore,
    **options: Any,
) -> tuple[str, ...]:
    """Exports a checkpoint as an encoder, its preprocessor and a text model, or none on an error.

    Args:
      checkpoint: the weights, see `opening.open`.
      model_name: folder above the encoder's versions.
      preprocessor_name: folder above the preprocessor's; None for `<model_name>_preprocess`.
      text_model_name: folder above the text model's; None for `<model_name>_text`.
      text_model: what you say of it; None for none.
      default_seq_length: default length of the packed rows, in tokens; None for 128, or the
        encoder's positions if it has fewer.
      compute_dtype: "float32" or "bfloat16", of activations and products.
      export_dir: folder of the models; made if missing.
      version: of all, a positive integer; None for the next that is free in all.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
      log: called with notices for the user.
      on_progress: called while weights are read.
      **options: further arguments of `export_encoder` about config, weights and tokenizer.

    Returns:
      The paths of the encoder, the preprocessor and, if there is one, the text model.
    """
    spec = encoder_spec.from_checkpoint(checkpoint, **options)
    plan = None if text_model is None else text_model_plan.plan(spec, text_model)
    if plan is not None and plan.is_choice:
        log(f"{model_name}: no text model: {plan.problems[0]}")
        plan = None
    if plan is not None and plan.problems:
        raise errors.InputError("; ".join(plan.problems))
    # The encoder comes last.
    names = [preprocessor_name or f"{model_name}_preprocess", model_name]
    if plan is not None:
        names.insert(1, text_model_name or f"{model_name}_text")
    if len(set(names)) < len(names):
        raise errors.DestinationError("the artifacts must have different names")
    with (
        publish.staged_together(
            export_dir, model_names=names, version=version, serving_warmup=serving_warmup
        ) as publications,
        _Parts(spec) as parts,
    ):
        notices.tell(log, model_name, spec.notices())
        preprocessor, *texts, encoder = publications
        parts.write(
            encoder.directory,
            preprocessor.directory,
            compute_dtype=compute_dtype,
            default_seq_length=default_seq_length,
            on_progress=on_progress,
        )
        for publication in (preprocessor, encoder):
            publication.start_check()
        for publication in texts:
            notices.tell(log, names[1], plan.notices if plan else ())
            parts.write_text_model(publication.directory, text_model or _ANY_TEXT_MODEL)
        paths = publish.publish_together(publications)
    return paths[-1], *paths[:-1]


def export_text_model(
    *,
    model_name: str,
    checkpoint: str | None = None,
    encoder: str | None = None,
    preprocessor: str | None = None,
    text_model: TextModelRequest = _ANY_TEXT_MODEL,
    compute_dtype: str | None = None,
    export_dir: str = "exports",
    version: int | None = None,
    serving_warmup: bool = False,
    log: notices.Log = notices.ignore,
    on_progress: notices.OnProgress = notices.ignore,
    **options: Any,
) -> str:
    """Exports a model from text to the answer; returns the path of its version.

    Args:
      model_name: folder above the versions.
      checkpoint: the weights, see `opening.open`; or
      encoder: folder of an exported encoder, also one that was trained and saved again.
      preprocessor: folder of its preprocessor; None for the tokenizer that it has recorded.
      text_model: what you say of it.
      compute_dtype: "float32" or "bfloat16", of activations and products; None for that of an
        exported encoder, else "float32".
      export_dir: folder of the models; made if missing.
      version: a positive integer; None for the next free one.
      serving_warmup: whether to add requests that TensorFlow Serving warms up with.
      log: called with notices for the user.
      on_progress: called while weights are read.
      **options: further arguments of `export_encoder` about config, weights and tokenizer.
    """
    if (checkpoint is None) == (encoder is None):
        raise errors.InputError("give either --checkpoint or --encoder")
    if preprocessor is not None:
        _check_no_others(checkpoint, {**options, "compute_dtype": compute_dtype})
    destination: dict[str, Any] = {
        "model_name": model_name,
        "version": version,
        "serving_warmup": serving_warmup,
    }
    if encoder is not None and preprocessor is not None:
        made_of = text_model_spec.TextModelSpec(
            encoder_dir=encoder, preprocessor_dir=preprocessor, request=text_model
        )
        with publish.staged(export_dir, **destination) as publication:
            notices.tell(log, model_name, made_of.belonging.notices)
            from export.artifacts import text_model_artifact  # imports TensorFlow

            text_model_artifact.write(publication.directory, spec=made_of)
            return publication.publish()
    spec = encoder_spec.from_checkpoint(str(checkpoint or encoder), **options)
    plan = text_model_plan.plan(spec, text_model)
    if plan.problems:
        raise errors.InputError("; ".join(plan.problems))
    with publish.staged(export_dir, **destination) as publication, _Parts(spec) as parts:
        notices.tell(log, model_name, [*spec.notices(with_pooling=True), *plan.notices])
        # Beside the artifact: what a killed exporter leaves there is swept.
        beside = os.path.dirname(publication.directory)
        with tempfile.TemporaryDirectory(dir=beside) as work:
            parts.write(
                os.path.join(work, manifest.ENCODER),
                os.path.join(work, manifest.PREPROCESSOR),
                compute_dtype=compute_dtype or _dtype_of(encoder),
                default_seq_length=None,
                on_progress=on_progress,
            )
            parts.write_text_model(publication.directory, text_model)
        return publication.publish()


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
    log: notices.Log = notices.ignore,
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
      log: called with notices for the user.
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
        notices.tell(log, model_name, spec.belonging.notices)
        from export.artifacts import embedder_artifact  # imports TensorFlow

        embedder_artifact.write(publication.directory, spec=spec)
        return publication.publish()


def _check_no_others(checkpoint: str | None, options: Mapping[str, Any]) -> None:
    """Checks that nothing is said of an encoder that is made of nothing but two folders."""
    if checkpoint is not None:
        raise errors.InputError("--preprocessor belongs to --encoder, not to --checkpoint")
    usual: tuple[Any, ...] = (None, {}, "float32", TokenizerRequest(), HeadRequest())
    said = ", ".join(name for name, value in sorted(options.items()) if value not in usual)
    if said:
        raise errors.InputError(f"--encoder and --preprocessor have their own settings: {said}")


def _dtype_of(encoder: str | None) -> str:
    """Returns the dtype that an exported encoder computes in, by its manifest."""
    recorded = manifest.read(encoder) if encoder is not None and os.path.isdir(encoder) else {}
    return str(recorded.get("compute_dtype", "float32"))


class _Parts:
    """A context manager for the processes that write what a text model is made of, and itself."""

    def __init__(self, spec: encoder_spec.EncoderSpec) -> None:
        self._spec = spec
        self._preprocessor = writing_process.WritingProcess()
        self._text_model = writing_process.WritingProcess()
        self._folders: tuple[str, str] = ("", "")

    def __enter__(self) -> "_Parts":
        self._preprocessor.__enter__()
        self._text_model.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._text_model.__exit__(*exception)
        self._preprocessor.__exit__(*exception)

    def write(
        self,
        encoder: str,
        preprocessor: str,
        *,
        compute_dtype: str,
        default_seq_length: int | None,
        on_progress: notices.OnProgress,
    ) -> None:
        """Writes the encoder and, meanwhile, the preprocessor into their folders."""
        self._folders = (encoder, preprocessor)
        for folder in self._folders:
            os.makedirs(folder, exist_ok=True)
        self._preprocessor.start(
            "export.artifacts.preprocessor_artifact",
            preprocessor,
            tokenizer=self._spec.tokenizer,
            default_seq_length=default_seq_length
            or min(_DEFAULT_SEQ_LENGTH, self._spec.config.max_position_embeddings),
        )
        from export.artifacts import encoder_artifact  # imports TensorFlow

        encoder_artifact.write(
            encoder, spec=self._spec, compute_dtype=compute_dtype, on_progress=on_progress
        )
        self._preprocessor.wait()

    def write_text_model(self, directory: str, request: TextModelRequest) -> None:
        """Writes the text model of the two."""
        encoder, preprocessor = self._folders
        made_of = text_model_spec.TextModelSpec(
            encoder_dir=encoder,
            preprocessor_dir=preprocessor,
            request=request,
            recipe=text_model_plan.recipe(self._spec),
        )
        self._text_model.start("export.artifacts.text_model_artifact", directory, spec=made_of)
        self._text_model.wait()
