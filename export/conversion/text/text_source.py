"""What a text model's SavedModel has: what an encoder has, its tokenizer, and what is done with it.

Example:
    opened = text_source.open("exports/my_classifier/1")
    opened.task  # "classify"
    opened.run(opened.signatures["serving_default"], {"sentences": np.array(["Well done."])})

An embedder is one as well. Its manifest says what the graph does; a model that was saved again
without it is refused.
"""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import albert_config, errors, head_config, pooling, tokenizations
from export.artifacts import text_model_spec, tokenizer_choice, tokenizer_spec
from export.conversion import source as sources
from export.conversion.text import compiled_tokenizer, masks, text_signatures
from export.metadata import manifest
from export.saved_models import loading

ADVICE = "Convert the encoder that it was made from, and do that around it"
CUT = text_model_spec.LONG_TEXTS[0]
NUM_SPECIAL_TOKENS = {1: 2, 2: 3}  # [CLS], and [SEP] behind each segment
_MIN_ROOM_OF_PAIRS = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextModel(sources.Source):
    """A text model. What it shares with an encoder is that of the encoder in it.

    Attributes:
      task: one of `text_model_spec.TASKS`.
      pooling: of `embed`, from states to vectors.
      max_seq_length: tokens after which a text is cut, special tokens included.
      long_texts: of `embed`, one of `text_model_spec.LONG_TEXTS`.
      encode: from a model and texts to ids in the runtime that its tokenizer is compiled for; None
        where it is not.
    """

    task: str
    pooling: pooling.Pooling
    max_seq_length: int
    long_texts: str
    encode: compiled_tokenizer.Encode | None = None

    @functools.cached_property
    def signatures(self) -> dict[str, sources.Signature]:
        """What it can be called for in other runtimes, by name; empty if it cannot."""
        return text_signatures.make(
            self.task,
            is_embedder=self.manifest["artifact"] == manifest.EMBEDDER,
            has_pairs=self.room(2) >= _MIN_ROOM_OF_PAIRS,
        )

    def room(self, segments: int) -> int:
        """Returns the number of tokens that fit beside the special tokens of 1 or 2 segments."""
        return self.max_seq_length - NUM_SPECIAL_TOKENS[segments]

    @property
    def has_fair_pairs(self) -> bool:
        """Whether pairs are cut as Hugging Face's libraries do it, see `export.tasks.texts`."""
        made_from = self.manifest["made_from"][manifest.PREPROCESSOR]
        return bool(made_from.get("tokenization") == tokenizations.HUGGING_FACE)

    @property
    def compute_dtype(self) -> str:
        """The dtype of activations and products: float32 or bfloat16."""
        return str(self.encoder.compute_dtype)

    @property
    def is_encoder(self) -> bool:
        """False: it takes text."""
        return False

    def run(self, signature: sources.Signature, inputs: sources.Arrays) -> dict[str, np.ndarray]:
        """Returns what the SavedModel computes, by the names of the signature's outputs."""
        import tensorflow as tf

        call = self.root.signatures[signature.name]
        outputs = call(**{name: tf.constant(inputs[name].tolist()) for name in inputs})
        names = {name: text_signatures.own_name(name) for name in signature.outputs}
        return {name: _array(outputs[own].numpy()) for name, own in names.items()}

    @functools.cached_property
    def root(self) -> Any:
        """The loaded SavedModel."""
        return _load(self.directory)

    @property
    def encoder(self) -> sources.Source:
        """The encoder in it, for what has no text: it has weights, and cannot be run by itself."""
        return sources.Source(
            directory=self.directory,
            config=self.config,
            variables=self.variables,
            heads=self.heads,
            manifest=self.manifest["made_from"][manifest.ENCODER],
        )

    @functools.cached_property
    def tokenizer(self) -> tokenizer_spec.TokenizerSpec:
        """Its tokenizer.

        Raises:
          errors.VocabularyError: its files do not lie in it.
        """
        assets = os.path.join(self.directory, "assets")
        found = tokenizer_choice.resolve(tokenizer_choice.Request(), directories=[assets])
        if found is None:
            raise errors.VocabularyError(
                f"{self.directory!r} has no files of its tokenizer in assets/, as text models made "
                "before version 0.2, or with --allow_other_tokenization: make it again with python "
                "-m export.text_model, of an encoder that has recorded its tokenizer"
            )
        return found

    @functools.cached_property
    def engine(self) -> compiled_tokenizer.Engine:
        """What tokenizes as its graph does."""
        from preprocess.tokenizers import engines

        made: Any = engines.make(
            self.tokenizer.described,
            tokenization=self.tokenizer.tokenization,
            lower_case=self.tokenizer.lower_case,
            keep_accents=self.tokenizer.keep_accents,
        )
        engine: compiled_tokenizer.Engine = made
        return masks.Engine(engine, self.mask_tokens) if self.mask_tokens else engine

    @property
    def mask(self) -> str:
        """The text of the mask token."""
        described = self.tokenizer.described
        return str(described.pieces[described.mask_id])

    @property
    def mask_tokens(self) -> dict[str, int]:
        """The id of the mask by its text, where its graph finds it, and not its tokenizer."""
        is_token = self.tokenizer.tokenization == tokenizations.HUGGING_FACE
        if self.task != text_model_spec.FILL_MASK or is_token:
            return {}
        return {self.mask: self.tokenizer.described.mask_id}

    def texts_of(self, ids: Sequence[int]) -> list[str]:
        """Returns the text of each id alone."""
        import tensorflow as tf

        alone = tf.RaggedTensor.from_tensor(tf.constant(ids, tf.int32)[:, tf.newaxis])
        return [text.decode() for text in self.root.tokenize.detokenize(alone).numpy().tolist()]

    def check_convertible(self) -> None:
        """Checks that other runtimes can do what it does.

        Raises:
          errors.InputError: they cannot.
        """
        problem = None
        if self.long_texts != CUT:
            problem = f"it has --long_texts={self.long_texts}, other runtimes cut long texts"
        elif self.pooling.lower_case and not self.tokenizer.lower_case:
            problem = "it lower-cases texts before a cased tokenizer, which other runtimes do not"
        if problem:
            raise errors.InputError(
                f"{self.directory!r} cannot be converted as a text model: {problem}. {ADVICE}"
            )

    @functools.cached_property
    def compiled(self) -> compiled_tokenizer.CompiledTokenizer:
        """Its tokenizer for the other runtime.

        Raises:
          errors.VocabularyError: it cannot be one there.
        """
        assert self.encode is not None
        return compiled_tokenizer.make(
            self.tokenizer, engine=self.engine, encode=self.encode, tokens=self.mask_tokens
        )

    def with_other_ids(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Returns the texts whose ids are others in the other runtime."""
        assert self.encode is not None
        return compiled_tokenizer.differing(
            self.compiled.model, self.engine, texts, encode=self.encode
        )


def open(directory: str, *, encode: compiled_tokenizer.Encode | None = None) -> TextModel:
    """Opens a text model or an embedder, and reads its weights.

    Args:
      directory: of the SavedModel.
      encode: see `TextModel`.

    Raises:
      errors.CheckpointError: its manifest lacks something.
    """
    content = manifest.read(directory)
    try:
        made_from = content["made_from"][manifest.ENCODER]
        config = albert_config.from_json(made_from["config"])
        task = content.get("task", text_model_spec.EMBED)
        max_seq_length = content["max_seq_length"]
    except (KeyError, TypeError) as error:
        raise errors.CheckpointError(f"the manifest of {directory!r} lacks {error}") from error
    variables = {
        variable.name.partition(":")[0]: variable.numpy() for variable in _load(directory).variables
    }
    return TextModel(
        directory=directory,
        config=config,
        variables=variables,
        heads=_heads(task, content, variables),
        manifest=content,
        task=task,
        pooling=_pooling(content, variables),
        max_seq_length=max_seq_length,
        long_texts=content.get("long_texts", CUT),
        encode=encode,
    )


@functools.lru_cache(maxsize=1)
def _load(directory: str) -> Any:
    import tensorflow_text  # noqa: F401, registers the preprocessor's ops

    return loading.load(directory)


def _heads(
    task: str, content: Mapping[str, Any], variables: sources.Arrays
) -> tuple[head_config.HeadConfig, ...]:
    if task not in head_config.KINDS:
        return ()
    head = head_config.HeadConfig(
        kind=task,
        labels=tuple(content.get("labels", ())),
        problem_type=content.get("problem_type"),
        is_beam=any(name.startswith(f"cls/{task}_beam/") for name in variables),
    )
    return (head,)


def _pooling(content: Mapping[str, Any], variables: sources.Arrays) -> pooling.Pooling:
    layers = [
        pooling.DenseLayer(
            kernel=variables[f"dense_{number}/kernel"],
            bias=variables[f"dense_{number}/bias"],
            activation=layer["activation"],
        )
        for number, layer in enumerate(content.get("dense", ()))
    ]
    return pooling.Pooling(
        modes=tuple(content.get("pooling", pooling.POOLED).split("+")),
        dense=tuple(layers),
        normalize=bool(content.get("normalize")),
        prompt=content.get("prompt", ""),
        lower_case=bool(content.get("lower_cases_texts")),
    )


def _array(value: np.ndarray) -> np.ndarray:
    """Returns an array without objects: strings as text."""
    if value.dtype != object:
        return value
    texts = [one.decode() for one in value.reshape(-1)]
    return np.array(texts, np.str_).reshape(value.shape)
