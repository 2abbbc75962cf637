"""What an exported encoder's SavedModel has: config, weights by name, heads and signatures.

Example:
    opened = source.open("exports/albert_en_large/1")
    opened.variables["pooler_transform/bias"]
    outputs = opened.run(opened.signatures["serving_default"], inputs)

The SavedModel may have been trained and saved again. Its callables are the reference that what is
converted is compared with.
"""

import dataclasses
import functools
import operator
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import albert_config, errors, head_config, hub_api
from export.checkpoints import (
    checkpoint_config,
    lazy_checkpoint,
    mapping,
    opening,
    restore,
    weight_table,
)
from export.checkpoints.readers import hub_saved_model
from export.metadata import checksums, manifest
from export.saved_models import loading

_METRICS = "keras_api/metrics/"
Arrays = Mapping[str, np.ndarray]

_OUTPUTS: Mapping[str | None, Sequence[str]] = {
    None: hub_api.ENCODER_SIGNATURE_OUTPUTS,
    hub_api.MLM: hub_api.MLM_SIGNATURE_OUTPUTS,
    hub_api.SOP: hub_api.SOP_SIGNATURE_OUTPUTS,
    hub_api.CLASSIFY: hub_api.CLASSIFY_SIGNATURE_OUTPUTS,
    hub_api.TAG: hub_api.TAG_SIGNATURE_OUTPUTS,
    hub_api.ANSWER: hub_api.ANSWER_SIGNATURE_OUTPUTS,
    hub_api.CHOOSE: hub_api.CHOOSE_SIGNATURE_OUTPUTS,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signature:
    """What an encoder can be called for.

    Attributes:
      name: `serving_default`, `unpadded`, a head, or `unpadded.` and a head.
      head: the kind of the head; None for the encoder alone.
      is_unpadded: whether tokens alone are computed.
      by_beam: of an answer, whether the ends depend on the starts.
      outputs: their names.
    """

    name: str
    head: str | None
    is_unpadded: bool
    by_beam: bool
    outputs: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return hub_api.MLM_INPUTS if self.head == hub_api.MLM else hub_api.ENCODER_INPUTS

    @property
    def path(self) -> str:
        """The attributes from the root of the SavedModel to what is called; empty for the root."""
        parts = [hub_api.UNPADDED] if self.is_unpadded else []
        return ".".join([*parts, *([self.head] if self.head else [])])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """An exported encoder.

    Attributes:
      directory: of the SavedModel.
      config: the hyper-parameters.
      variables: float32 by name, those of the heads among them.
      heads: the heads of a fine-tuned model.
      manifest: its manifest; empty without one.
      unused: weights that are not of the encoder, as those of a Keras model around it.
    """

    directory: str
    config: albert_config.AlbertConfig
    variables: Arrays = dataclasses.field(repr=False)
    heads: tuple[head_config.HeadConfig, ...]
    manifest: Mapping[str, Any]
    unused: tuple[str, ...] = ()

    @functools.cached_property
    def signatures(self) -> dict[str, Signature]:
        """What it can be called for, by name."""

        def has(prefix: str) -> bool:
            return any(name.startswith(prefix) for name in self.variables)

        kinds: list[str | None] = [None]
        kinds += [hub_api.MLM] * has(weight_table.MLM_HEAD)
        kinds += [hub_api.SOP] * has(weight_table.SOP_HEAD)
        kinds += [head.kind for head in self.heads]
        made = [self._signature(kind, unpadded) for unpadded in (False, True) for kind in kinds]
        return {signature.name: signature for signature in made}

    def _signature(self, kind: str | None, unpadded: bool) -> Signature:
        by_beam = any(head.kind == kind and head.is_beam for head in self.heads)
        outputs = hub_api.ANSWER_BEAM_SIGNATURE_OUTPUTS if by_beam else _OUTPUTS[kind]
        absent = () if self.config.pooler else (hub_api.POOLED_OUTPUT,)
        parts = [*([hub_api.UNPADDED] if unpadded else []), *([kind] if kind else [])]
        return Signature(
            name=".".join(parts) or hub_api.SERVING_DEFAULT,
            head=kind,
            is_unpadded=unpadded,
            by_beam=by_beam,
            outputs=tuple(name for name in outputs if name not in absent),
        )

    def labels(self, kind: str | None) -> int:
        """Returns the number of logits of the head of a kind."""
        found = [head for head in self.heads if head.kind == kind]
        return len(found[0].labels) or 1 if found else 0

    @property
    def compute_dtype(self) -> str:
        """The dtype of activations and products: float32 or bfloat16."""
        return str(self.manifest.get("compute_dtype", "float32"))

    @property
    def is_encoder(self) -> bool:
        """Whether the SavedModel is an encoder itself, not a model around one."""
        return hasattr(self.root, hub_api.UNPADDED)

    def run(self, signature: Signature, inputs: Arrays) -> dict[str, np.ndarray]:
        """Returns what the SavedModel computes, by the names of the signature's outputs."""
        import tensorflow as tf

        call = self._callable(signature.path)
        tensors = {name: tf.constant(inputs[name], tf.int32) for name in signature.inputs}
        outputs = call(tensors, training=False)
        return {name: outputs[name].numpy() for name in signature.outputs}

    def trace(self, signature: Signature) -> Any:
        """Returns a concrete function, from the inputs by name to the outputs by name.

        Batch, length and choices are free. Its variables are those of `root`.
        """
        import tensorflow as tf

        call = self._callable(signature.path)
        choices = [None] if signature.head == hub_api.CHOOSE else []
        specs = {
            name: tf.TensorSpec([*choices, None, None], tf.int32, name=name)
            for name in signature.inputs
        }

        def compute(**inputs: Any) -> dict[str, Any]:
            outputs = call(inputs, training=False)
            return {name: outputs[name] for name in signature.outputs}

        return tf.function(compute, autograph=False).get_concrete_function(**specs)

    @functools.cached_property
    def root(self) -> Any:
        """The loaded SavedModel."""
        return loading.load(self.directory)

    def _callable(self, path: str) -> Any:
        try:
            found = operator.attrgetter(path)(self.root) if path else self.root
        except AttributeError:
            found = None
        if not callable(found):
            raise errors.CheckpointError(
                f"{self.directory!r} cannot be called as {path or 'an encoder'}: export it first, "
                f"python -m export.encoder --checkpoint {self.directory}"
            )
        return found


def open(
    directory: str, *, config: str | None = None, recorded: Mapping[str, Any] | None = None
) -> Source:
    """Opens an encoder, and reads its weights.

    Args:
      directory: of the SavedModel.
      config: a size or the path of a config, for one that has lost its manifest; None for that in
        the manifest.
      recorded: what another manifest has as its config, for one that has lost its own.

    Raises:
      errors.CheckpointError: it is damaged, or no encoder.
      errors.ConfigError: no config, or one that contradicts the manifest.
    """
    check(directory)
    checkpoint = opening.open(directory, checkpoint_format=weight_table.SAVED_MODEL)
    if checkpoint.config_values is None and recorded is not None:
        checkpoint = dataclasses.replace(checkpoint, config_values=recorded)
    resolved = _config(checkpoint, config)
    return Source(
        directory=directory,
        config=resolved,
        variables=restore.read(checkpoint, config=resolved),
        heads=checkpoint.heads,
        manifest=manifest.read(directory),
        unused=tuple(
            name
            for name in checkpoint.unused_tensors
            if mapping.ignored_reason(name, checkpoint_format=checkpoint.format) is None
            and not name.startswith(_METRICS)
        ),
    )


def file_name(signature: str, ending: str) -> str:
    """Returns the name of the file that a signature is in: `model.onnx`, `mlm.onnx`."""
    return f"{'model' if signature == hub_api.SERVING_DEFAULT else signature}{ending}"


def check(directory: str, *, kinds: Sequence[str] = (manifest.ENCODER,)) -> str:
    """Checks, without TensorFlow, that a directory is of an undamaged artifact; returns its kind.

    Args:
      directory: of a SavedModel.
      kinds: those that it may have; without a manifest it is taken for an encoder.

    Raises:
      errors.CheckpointError: it is not.
    """
    if not os.path.isfile(os.path.join(directory, hub_saved_model.FILE)):
        raise errors.CheckpointError(f"{directory!r} is not the directory of a SavedModel")
    if checksums.exists(directory):
        damages = checksums.problems(directory)
        if damages:
            raise errors.CheckpointError(errors.listing(f"{directory!r} is damaged", damages))
    kind: str = manifest.read(directory).get("artifact", manifest.ENCODER)
    if kind not in kinds:
        raise errors.CheckpointError(
            f"{directory!r} is a {kind}: convert the encoder that it was made from"
            if kind in (manifest.EMBEDDER, manifest.TEXT_MODEL)
            else f"{directory!r} is a {kind}, not an encoder"
            + " or a text model" * (len(kinds) > 1)
        )
    return kind


def _config(
    checkpoint: lazy_checkpoint.Checkpoint, config: str | None
) -> albert_config.AlbertConfig:
    if config is None and checkpoint.config is None:
        raise errors.ConfigError(
            f"{checkpoint.location!r} has no manifest, as after training and saving again: say its "
            "config with --config, a size or a file"
        )
    return checkpoint_config.resolve(checkpoint, config)
