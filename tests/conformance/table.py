"""The table of small encoder artifacts that every cross-cutting test runs over.

    @pytest.mark.parametrize("case", conformance.CASES, ids=str)
    def test_something(case):
        call = conformance.shared(case)
        outputs = call(case.inputs())

A row is an artifact and one of the callables in it. What is added to the artifacts' contract is
added here, and then holds to all of it. Sizes are distinct, so that mixed-up axes fail.
"""

import contextlib
import dataclasses
import functools
import operator
import pathlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

from configs import albert_config, head_config, hub_api
from export.artifacts import encoder_artifact, encoder_spec, head_choice, tokenizer_choice
from export.verification import numpy_albert
from tests.support import golden, shared_run

B, S, P = 4, 5, 3
N = 2  # choices; B / N examples
# Losses that are not of an output of their name.
FIRST_LAYER, SUM = "first_layer", "sum"

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact:
    """What one artifact of the table is exported with.

    Attributes:
      name: unique in the table.
      config: the hyper-parameters.
      heads: the heads it has, as attributes.
      compute_dtype: dtype of activations.
      task_heads: those of a fine-tuned model among them. The rows are of the heads alone then.
      explained: whether it is exported with `attention_outputs` and `from_embeddings`.
      recompute: whether its gradients compute each block again.
    """

    name: str
    config: albert_config.AlbertConfig
    heads: tuple[str, ...] = (hub_api.MLM,)
    compute_dtype: str = "float32"
    task_heads: tuple[head_config.HeadConfig, ...] = ()
    explained: bool = False
    recompute: bool = False

    @property
    def has_dropout(self) -> bool:
        config = self.config
        return bool(config.hidden_dropout_prob or config.attention_probs_dropout_prob)


def _variant(name: str, *, heads: tuple[str, ...] = (hub_api.MLM,), **changes: Any) -> Artifact:
    return Artifact(name=name, config=dataclasses.replace(TINY, **changes), heads=heads)


ARTIFACTS = (
    _variant("tiny"),
    _variant("two_groups_of_two", num_hidden_groups=2, inner_group_num=2),
    _variant("dropout", hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3),
    _variant("attention_dropout", attention_probs_dropout_prob=0.3, heads=()),
    # One layer: these differ from `tiny` inside a block.
    _variant("relu_eps", hidden_act="relu", layer_norm_eps=1e-3, num_hidden_layers=1),
    _variant(
        "erf_no_projection_no_mlm",
        heads=(),
        hidden_act=albert_config.GELU_ERF,
        num_hidden_layers=1,
        embedding_size=8,
        embedding_projection=False,
    ),
    Artifact(name="bfloat16", config=TINY, compute_dtype="bfloat16"),
    # Only a checkpoint brings this head. Layers share its weights, so it fits one layer too.
    Artifact(
        name="sop",
        config=dataclasses.replace(golden.MODELS["tiny"].config, num_hidden_layers=1),
        heads=(hub_api.SOP,),
    ),
)

_LABELS = ("A", "B", "C")
_TASK_HEADS = (
    head_config.HeadConfig(kind="classify", labels=_LABELS, problem_type=head_config.SINGLE_LABEL),
    head_config.HeadConfig(kind="tag", labels=(*_LABELS, "D")),
    head_config.HeadConfig(kind="answer"),
    head_config.HeadConfig(kind="choose"),
)
_OF_TASKS = dataclasses.replace(
    TINY, num_hidden_layers=1, classifier_dropout_prob=0.0, start_n_top=3
)
ARTIFACTS += (
    Artifact(name="heads", config=_OF_TASKS, heads=head_config.KINDS, task_heads=_TASK_HEADS),
    Artifact(
        name="beam",
        config=_OF_TASKS,
        heads=(hub_api.ANSWER,),
        task_heads=(head_config.HeadConfig(kind="answer", is_beam=True),),
    ),
)

# Its rows are of what takes ids; `test_explained.py` holds the rest.
EXPLAINED = Artifact(
    name="explained",
    config=dataclasses.replace(TINY, inner_group_num=2, classifier_dropout_prob=0.0),
    heads=(hub_api.MLM, hub_api.CLASSIFY, hub_api.CHOOSE),
    task_heads=(_TASK_HEADS[0], _TASK_HEADS[3]),
    explained=True,
)
ARTIFACTS += (EXPLAINED,)

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
        """The head the callable includes; None for none."""
        last = self.path.split(".")[-1]
        return last if last in self.artifact.heads else None

    @property
    def is_mlm(self) -> bool:
        return self.head == hub_api.MLM

    @property
    def is_choice(self) -> bool:
        return self.head == hub_api.CHOOSE

    @property
    def is_sampled(self) -> bool:
        """Whether more than its outputs are tested without --stress."""
        is_chosen = self.path == f"{hub_api.UNPADDED}.{hub_api.CLASSIFY}"
        return is_chosen or not self.artifact.task_heads

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
        """Returns a batch with full, padded and nearly empty rows; of a choice [B / N, N, S]."""
        shape = [B // N, N, S] if self.is_choice else [B, -1]
        return {name: tf.constant(a.reshape(shape)) for name, a in self._arrays().items()}

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {name: _INPUTS[name] for name in self.input_names}
        types = arrays[hub_api.INPUT_TYPE_IDS] % self.artifact.config.type_vocab_size
        return arrays | {hub_api.INPUT_TYPE_IDS: types}

    def expected(self, tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Returns what the numpy oracle computes from the weights by name, for `inputs()`."""
        config = self.artifact.config
        inputs = self._arrays()
        outputs = numpy_albert.encode(tensors, config=config, inputs=inputs, dtype=np.float64)
        del outputs[numpy_albert.EMBEDDING_OUTPUT]
        outputs = {name.split(".")[-1]: output for name, output in outputs.items()}
        if self.is_unpadded or not self.artifact.explained:
            del outputs[hub_api.ATTENTION_PROBS]
        if self.is_unpadded:
            mask = _INPUTS[hub_api.INPUT_MASK][..., np.newaxis]
            outputs[hub_api.SEQUENCE_OUTPUT] = outputs[hub_api.SEQUENCE_OUTPUT] * mask
            layers = outputs[hub_api.ENCODER_OUTPUTS]
            outputs[hub_api.ENCODER_OUTPUTS] = [layer * mask for layer in layers]
            for name in self._by_position(outputs):
                at_tokens = mask if self.head == hub_api.TAG else mask[..., 0]
                if outputs[name].ndim == 3 and self.head == hub_api.ANSWER:
                    at_tokens = at_tokens[:, np.newaxis]
                outputs[name] = outputs[name] * at_tokens
        if self.is_choice:
            outputs = tf.nest.map_structure(self._by_choice, outputs)
        return outputs

    def _by_position(self, outputs: Mapping[str, Any]) -> list[str]:
        """Returns the outputs of the head that have a value for every position."""
        names = {
            hub_api.TAG: hub_api.TAG_SIGNATURE_OUTPUTS,
            hub_api.ANSWER: hub_api.ANSWER_SIGNATURE_OUTPUTS,
        }
        return [name for name in names.get(self.head or "", ()) if name in outputs]

    def _by_choice(self, output: np.ndarray) -> np.ndarray:
        """Returns an output [B, ...] as [B / N, N, ...]; the logits, [1, B], as [B / N, N]."""
        return output.reshape([B // N, N, *output.shape[1:]] if len(output) == B else [B // N, N])

    def losses(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns scalars by name: fixed random combinations of outputs, and `SUM`, their sum.

        `outputs` are TensorFlow's or numpy's. A plain sum of the elements of an output would not
        do: that of a normalised vector is constant.
        """
        chosen = {
            hub_api.POOLED_OUTPUT: outputs[hub_api.POOLED_OUTPUT],
            hub_api.SEQUENCE_OUTPUT: outputs[hub_api.SEQUENCE_OUTPUT],
            FIRST_LAYER: outputs[hub_api.ENCODER_OUTPUTS][0],
        }
        logits = set(_LOGITS) & set(outputs)
        chosen |= {name: outputs[name] for name in sorted(logits)}
        losses = {}
        for name, output in chosen.items():
            generator = np.random.default_rng(zlib.crc32(name.encode()))
            product = output * generator.standard_normal(output.shape).astype(np.float32)
            losses[name] = tf.reduce_sum(product) if tf.is_tensor(product) else product.sum()
        return losses | {SUM: sum(losses.values())}

    def depends(self, loss: str, variable: str) -> bool:
        """Returns whether that loss of `losses` depends on the variable of that name."""
        if loss != SUM and variable.startswith("pooler_transform"):
            of_pooled = self.head in (hub_api.CLASSIFY, hub_api.CHOOSE) and loss == hub_api.LOGITS
            return of_pooled or loss in (hub_api.POOLED_OUTPUT, hub_api.SOP_LOGITS)
        if loss != SUM and variable.startswith("cls/answer_beam/"):
            part = variable.split("/")[2]
            return part == loss or (part, loss) in _PARTS
        if loss != SUM and variable.startswith("cls/"):
            return loss in _LOGITS
        if loss == FIRST_LAYER and self.artifact.config.num_hidden_groups > 1:
            return not variable.startswith("transformer/") or "/group_0/" in variable
        return True


# Float outputs of heads.
_LOGITS = (
    hub_api.MLM_LOGITS,
    hub_api.SOP_LOGITS,
    hub_api.LOGITS,
    hub_api.START_LOGITS,
    hub_api.END_LOGITS,
    hub_api.CLS_LOGITS,
)
# Of an answer by beam, parts of its variables that another output depends on than theirs.
_PARTS = (("start_logits", hub_api.CLS_LOGITS), ("answer_class", hub_api.CLS_LOGITS))

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
    for head in (*(() if artifact.task_heads else ("",)), *artifact.heads)
)
# All but those of the heads of fine-tuned models, of which there is a sample.
SAMPLED_CASES = tuple(case for case in CASES if case.is_sampled)
# For long tests: of each encoder the callable that computes most.
LARGEST_CASES = tuple(case for case in CASES if case.head or not case.artifact.heads)
# For longer ones: of these, what differs in more than activation or dropout.
STRUCTURES = tuple(
    c for c in LARGEST_CASES if c.artifact.name != "relu_eps" and not c.artifact.has_dropout
)
# Of these, what `make test` runs.
_SAMPLE = (
    "two_groups_of_two-mlm",
    "bfloat16-unpadded.mlm",
    "erf_no_projection_no_mlm-unpadded",
    "heads-unpadded.classify",
)
SAMPLE = tuple(case for case in STRUCTURES if str(case) in _SAMPLE)


@functools.cache
def directory(artifact: Artifact) -> str:
    """Returns the folder of the artifact, written once a test run. Tests must not write into it."""
    return str(shared_run.once(f"table/{artifact.name}", lambda folder: _write(folder, artifact)))


def _write(folder: pathlib.Path, artifact: Artifact) -> pathlib.Path:
    encoder_artifact.write(
        str(folder),
        spec=_spec(artifact),
        compute_dtype=artifact.compute_dtype,
        attention_outputs=artifact.explained,
        from_embeddings=artifact.explained,
        recompute=artifact.recompute,
    )
    return folder


def _spec(artifact: Artifact) -> encoder_spec.EncoderSpec:
    request = tokenizer_choice.Request(sp_model_file=str(golden.VOCABULARY))
    mlm = hub_api.MLM in artifact.heads
    if hub_api.SOP not in artifact.heads:
        tokenizer = tokenizer_choice.resolve(request)
        chosen = head_choice.Chosen(
            heads=artifact.task_heads, untrained=tuple(head.kind for head in artifact.task_heads)
        )
        return encoder_spec.EncoderSpec(
            config=artifact.config, tokenizer=tokenizer, mlm=mlm, chosen_heads=chosen
        )
    return encoder_spec.from_checkpoint(
        str(golden.ROOT / "tiny" / "hf"),
        checkpoint_format=None,
        config=None,
        overrides={"num_hidden_layers": artifact.config.num_hidden_layers},
        tokenizer=request,
        mlm=mlm,
    )


@functools.cache
def load(artifact: Artifact) -> Any:
    """Returns the root of the artifact, loaded once. All its variables are random."""
    _reset(root := hub.load(directory(artifact)), artifact)
    return root


def _reset(root: Any, artifact: Artifact) -> None:
    for part in (root, *(getattr(root, head) for head in artifact.heads)):
        randomize(part.variables)


@contextlib.contextmanager
def changeable(artifact: Artifact) -> Iterator[Any]:
    """Gives the root as `load` returns it, whose variables get their values back afterwards."""
    root = load(artifact)
    try:
        yield root
    finally:
        _reset(root, artifact)


def shared(case: Case) -> Callable[..., Any]:
    """Returns the callable of the loaded artifact: for tests that do not change variables."""
    return case.callable_in(load(case.artifact))


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
