"""The table of small encoder artifacts that every cross-cutting test runs over.

    @pytest.mark.parametrize("case", conformance.CASES, ids=str)
    def test_something(case):
        call = conformance.shared(case)
        outputs = call(case.inputs())

A row is an artifact and one of the callables in it. What is added to the artifacts' contract is
added here, and then holds to all of it. Sizes are distinct, so that mixed-up axes fail.
"""

import dataclasses
import functools
import operator
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

from configs import albert_config, hub_api
from export.artifacts import encoder_artifact, encoder_spec
from export.verification import numpy_albert
from preprocess.vocabulary import sentencepiece_model
from tests.support import golden

B, S, P = 4, 5, 3

TINY = albert_config.AlbertConfig(
    vocab_size=100,  # that of the small vocabulary
    embedding_size=6,
    hidden_size=8,
    num_hidden_layers=2,
    num_hidden_groups=1,
    inner_group_num=1,
    num_attention_heads=2,
    intermediate_size=12,
    max_position_embeddings=16,
    type_vocab_size=3,
    hidden_act=albert_config.GELU_TANH,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    initializer_range=0.02,
    layer_norm_eps=1e-12,
    embedding_projection=True,
)

# Largest absolute difference to the oracle in float64. Outputs are of order 1. Rounding to
# bfloat16's 8 bits after each of some twenty operations costs up to 0.05 on these models.
_ATOL = {"float32": 1e-5, "bfloat16": 0.15}
# Of gradients, relative to the size of what is differentiated.
_GRADIENT_RTOL = {"float32": 1e-4, "bfloat16": 0.1}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact:
    """What one artifact of the table is exported with.

    Attributes:
      name: unique in the table.
      config: the hyper-parameters.
      heads: the heads it has, as attributes.
      compute_dtype: dtype of activations.
    """

    name: str
    config: albert_config.AlbertConfig
    heads: tuple[str, ...] = (hub_api.MLM,)
    compute_dtype: str = "float32"

    @property
    def has_dropout(self) -> bool:
        config = self.config
        return bool(config.hidden_dropout_prob or config.attention_probs_dropout_prob)

    @property
    def atol(self) -> float:
        return _ATOL[self.compute_dtype]

    @property
    def gradient_rtol(self) -> float:
        return _GRADIENT_RTOL[self.compute_dtype]


def _variant(name: str, *, heads: tuple[str, ...] = (hub_api.MLM,), **changes: Any) -> Artifact:
    return Artifact(name=name, config=dataclasses.replace(TINY, **changes), heads=heads)


ARTIFACTS = (
    _variant("tiny"),
    _variant("two_groups_of_two", num_hidden_groups=2, inner_group_num=2),
    _variant("dropout", hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3),
    _variant("attention_dropout", attention_probs_dropout_prob=0.3, heads=()),
    _variant("relu_eps", hidden_act="relu", layer_norm_eps=1e-3),
    _variant(
        "erf_no_projection_no_mlm",
        heads=(),
        hidden_act=albert_config.GELU_ERF,
        embedding_size=8,
        embedding_projection=False,
    ),
    Artifact(name="bfloat16", config=TINY, compute_dtype="bfloat16"),
    # Only a checkpoint brings this head.
    Artifact(name="sop", config=golden.MODELS["tiny"].config, heads=(hub_api.SOP,)),
)

# The encoders of an artifact, as attributes from its root.
_ENCODERS = ("", hub_api.UNPADDED)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A row: one callable of an artifact.

    Attributes:
      artifact: the artifact.
      path: attributes from the root of the artifact to the callable, with dots.
    """

    artifact: Artifact
    path: str

    def __str__(self) -> str:
        return f"{self.artifact.name}-{self.path or 'encoder'}"

    @property
    def head(self) -> str | None:
        """The head the callable includes: `mlm`, `sop` or none."""
        last = self.path.split(".")[-1]
        return last if last in self.artifact.heads else None

    @property
    def is_mlm(self) -> bool:
        return self.head == hub_api.MLM

    @property
    def is_unpadded(self) -> bool:
        return self.path.split(".")[0] == hub_api.UNPADDED

    @property
    def input_names(self) -> Sequence[str]:
        return hub_api.MLM_INPUTS if self.is_mlm else hub_api.ENCODER_INPUTS

    def callable_in(self, root: Any) -> Any:
        """Returns the callable in a loaded artifact."""
        return operator.attrgetter(self.path)(root) if self.path else root

    def inputs(self) -> dict[str, tf.Tensor]:
        """Returns a batch with full, padded and nearly empty rows."""
        return {name: tf.constant(array) for name, array in self._arrays().items()}

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {name: _INPUTS[name] for name in self.input_names}
        types = arrays[hub_api.INPUT_TYPE_IDS] % self.artifact.config.type_vocab_size
        return arrays | {hub_api.INPUT_TYPE_IDS: types}

    def expected(
        self, tensors: Mapping[str, np.ndarray], *, dtype: Any = np.float64
    ) -> dict[str, Any]:
        """Returns what the numpy oracle computes from the weights by name, for `inputs()`."""
        config = self.artifact.config
        outputs = numpy_albert.encode(tensors, config=config, inputs=self._arrays(), dtype=dtype)
        del outputs[numpy_albert.EMBEDDING_OUTPUT]
        if self.is_unpadded:
            mask = _INPUTS[hub_api.INPUT_MASK][..., np.newaxis]
            outputs[hub_api.SEQUENCE_OUTPUT] = outputs[hub_api.SEQUENCE_OUTPUT] * mask
            layers = outputs[hub_api.ENCODER_OUTPUTS]
            outputs[hub_api.ENCODER_OUTPUTS] = [layer * mask for layer in layers]
        return outputs

    def losses(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns scalars by name: fixed random combinations of outputs.

        `outputs` are TensorFlow's or numpy's. A plain sum would not do: that of a normalised vector
        is constant.
        """
        chosen = {
            hub_api.POOLED_OUTPUT: outputs[hub_api.POOLED_OUTPUT],
            hub_api.SEQUENCE_OUTPUT: outputs[hub_api.SEQUENCE_OUTPUT],
            "first_layer": outputs[hub_api.ENCODER_OUTPUTS][0],
        }
        for logits in (hub_api.MLM_LOGITS, hub_api.SOP_LOGITS):
            if logits in outputs:
                chosen[logits] = outputs[logits]
        losses = {}
        for name, output in chosen.items():
            generator = np.random.default_rng(zlib.crc32(name.encode()))
            product = output * generator.standard_normal(output.shape).astype(np.float32)
            losses[name] = tf.reduce_sum(product) if tf.is_tensor(product) else product.sum()
        return losses

    def depends(self, loss: str, variable: str) -> bool:
        """Returns whether that loss of `losses` depends on the variable of that name."""
        if variable.startswith("pooler_transform"):
            return loss in (hub_api.POOLED_OUTPUT, hub_api.SOP_LOGITS)
        if variable.startswith("cls/"):
            return loss in (hub_api.MLM_LOGITS, hub_api.SOP_LOGITS)
        if loss == "first_layer" and self.artifact.config.num_hidden_groups > 1:
            return not variable.startswith("transformer/") or "/group_0/" in variable
        return True


_generator = np.random.default_rng(0)
_INPUTS = {
    hub_api.INPUT_WORD_IDS: _generator.integers(5, TINY.vocab_size, [B, S], np.int32),
    hub_api.INPUT_TYPE_IDS: _generator.integers(0, TINY.type_vocab_size, [B, S], np.int32),
    hub_api.INPUT_MASK: np.less(np.arange(S), [[5], [3], [1], [4]]).astype(np.int32),
    hub_api.MASKED_LM_POSITIONS: np.array([[1, 4, 2], [2, 0, 0], [0, 0, 0], [3, 1, 0]], np.int32),
}

CASES = tuple(
    Case(artifact=artifact, path=".".join(filter(None, [encoder, head])))
    for artifact in ARTIFACTS
    for encoder in _ENCODERS
    for head in ("", *artifact.heads)
)
# For tests that take long: of each encoder the callable that computes most.
LARGEST_CASES = tuple(case for case in CASES if case.head or not case.artifact.heads)
# For tests that take longer: of these, the ones whose graphs differ in more than an activation or
# dropout.
STRUCTURES = tuple(
    case
    for case in LARGEST_CASES
    if case.artifact.name != "relu_eps" and not case.artifact.has_dropout
)

_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def directory(artifact: Artifact) -> str:
    """Returns the folder of the artifact, written when first asked for."""
    path = os.path.join(_FOLDER.name, artifact.name)
    encoder_artifact.write(path, spec=_spec(artifact), compute_dtype=artifact.compute_dtype)
    return path


def _spec(artifact: Artifact) -> encoder_spec.EncoderSpec:
    if hub_api.SOP not in artifact.heads:
        return encoder_spec.EncoderSpec(
            config=artifact.config,
            vocabulary=sentencepiece_model.read(str(golden.VOCABULARY)),
            mlm=hub_api.MLM in artifact.heads,
        )
    return encoder_spec.from_checkpoint(
        str(golden.ROOT / "tiny" / "hf"),
        checkpoint_format=None,
        config=None,
        overrides={},
        sp_model_file=str(golden.VOCABULARY),
        mlm=hub_api.MLM in artifact.heads,
    )


def load(artifact: Artifact) -> Any:
    """Returns the root of a newly loaded artifact whose variables are all random."""
    root = hub.load(directory(artifact))
    randomize(root.variables)
    for head in artifact.heads:
        randomize(getattr(root, head).variables)
    return root


@functools.cache
def shared(case: Case) -> Callable[..., Any]:
    """Returns the callable, loaded once: for tests that do not change variables."""
    return case.callable_in(_shared_root(case.artifact))


_shared_root = functools.cache(load)


def tensors(call: Any) -> dict[str, np.ndarray]:
    """Returns the values of the variables of a callable by name, in float64."""
    return {name_of(v): v.numpy().astype(np.float64) for v in call.variables}


def name_of(variable: tf.Variable) -> str:
    """Returns a variable's name without the number of its output."""
    return variable.name.removesuffix(":0")


def randomize(variables: Sequence[tf.Variable], *, seed: int = 0) -> None:
    """Assigns random values, also to what is usually initialised to zeros or ones."""
    generator = np.random.default_rng(seed)
    for variable in variables:
        value = generator.standard_normal(variable.shape)
        kind = name_of(variable).rsplit("/", 1)[-1]
        if kind == "gamma":
            value = generator.uniform(0.5, 1.5, variable.shape)
        elif kind in ("bias", "beta"):
            value *= 0.2
        elif kind == "kernel":
            value *= variable.shape[0] ** -0.5  # keeps the size of what it is applied to
        variable.assign(value.astype(np.float32))
