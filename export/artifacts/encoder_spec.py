"""What an encoder is made from: config, tokenizer and weights that belong together.

    spec = encoder_spec.from_checkpoint("hf://albert/albert-large-v2", ...)

Everything that can be checked without TensorFlow is checked here, before the user has waited for
it, and everything that does not fit is listed in one error.
"""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any

from configs import albert_config, errors, head_config, hub_api
from export.artifacts import head_choice, tokenizer_choice, tokenizer_spec
from export.checkpoints import (
    checkpoint_config,
    compatibility,
    lazy_checkpoint,
    opening,
    restore,
)
from export.checkpoints.readers import sentence_transformers

_ANY_TOKENIZER, _ANY_HEAD = tokenizer_choice.Request(), head_choice.Request()
_HEADS = (hub_api.MLM, hub_api.SOP, *head_config.KINDS)
# Fields of a config that only heads use.
_OF_HEADS: tuple[str, ...] = ("classifier_dropout_prob", "start_n_top")
_OF_MLM = ("mlm_layer_norm_eps",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """Config, tokenizer and weights of an encoder.

    Attributes:
      config: the hyper-parameters.
      tokenizer: makes its ids from text; None where they are not made from text.
      mlm: whether the artifact gets the masked language model.
      chosen_heads: the heads of a fine-tuned model that it gets.
      checkpoint: where the weights come from; None for random ones.
      assumed: defaults that were taken for what neither config nor weights say.
      seed: of the random weights.
    """

    config: albert_config.AlbertConfig
    tokenizer: tokenizer_spec.TokenizerSpec | None
    mlm: bool
    chosen_heads: head_choice.Chosen = dataclasses.field(default_factory=head_choice.Chosen)
    checkpoint: lazy_checkpoint.Checkpoint | None = None
    assumed: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0

    @property
    def sop(self) -> bool:
        """Whether the artifact gets the sentence-order head: the weights' own, or a new one."""
        if hub_api.SOP in self.chosen_heads.untrained:
            return True
        return self.checkpoint is not None and restore.has_sop_head(self.checkpoint)

    @property
    def head_names(self) -> list[str]:
        """The attributes of the encoder that its heads are."""
        there = {hub_api.MLM: self.mlm, hub_api.SOP: self.sop}
        there |= {head.kind: True for head in self.chosen_heads.heads}
        return [name for name in _HEADS if there.get(name)]

    @property
    def unused(self) -> dict[str, str]:
        """Why each tensor of the checkpoint that is not used is left out, by its name."""
        if self.checkpoint is None:
            return {}
        entries = restore.entries_of(
            self.checkpoint, config=self.config, mlm=self.mlm, heads=self.chosen_heads.trained
        )
        return compatibility.unused(entries, self.checkpoint)

    @property
    def rows_without_piece(self) -> int:
        """The number of word embeddings that no piece of the tokenizer has."""
        pieces = self.tokenizer.described.vocab_size if self.tokenizer else self.config.vocab_size
        return self.config.vocab_size - pieces

    def notices(self, *, with_pooling: bool = False) -> list[str]:
        """Returns lines about what the user should not find out only later.

        Args:
          with_pooling: whether what is exported has sentence-transformers' pooling.
        """
        of_heads = self.chosen_heads.notices(seed=self.seed)
        if self.checkpoint is None:
            line = f"no checkpoint, so the weights are random (seed {self.seed}) and untrained"
            return [line, *of_heads]
        lines = [*self.checkpoint.notices, *(self.tokenizer.notices if self.tokenizer else ())]
        lines += of_heads
        if not restore.has_mlm_head(self.checkpoint):
            lines.append("the weights have no masked language model head: exported without `.mlm`")
        if not self.config.pooler:
            lines.append(
                "the weights have no pooler: there is no `pooled_output`, and `default` is the "
                "mean of `sequence_output` over the tokens"
            )
        if self.assumed:
            said = ", ".join(f"{name} {value}" for name, value in self.assumed.items())
            lines.append(f"neither config nor weights say it, so these are defaults: {said}")
        if self.rows_without_piece:
            lines.append(
                f"the tokenizer has {self.config.vocab_size - self.rows_without_piece} pieces, the "
                f"model {self.config.vocab_size} rows: the last {self.rows_without_piece} are "
                "never produced from text"
            )
        if compatibility.OF_LARGER_MODEL in self.unused.values() and self.chosen_heads.trained:
            heads = ", ".join(f"`.{head.kind}`" for head in self.chosen_heads.trained)
            lines.append(
                f"{heads} is of the encoder; what was trained on top of it is left out, and the "
                "head may not have been trained with it: --nohead leaves it out, too"
            )
        folder = sentence_transformers.folder_of(self.checkpoint.directories)
        if folder and not with_pooling and sentence_transformers.makes_vectors(folder):
            lines.append(
                "its folder is of sentence-transformers: its pooling is not in an encoder, but in "
                "the text model that export.text_model --checkpoint makes"
            )
        return lines + compatibility.unused_notices(self.unused)

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it: no paths, but digests of the files."""
        entries: dict[str, Any] = {"tokenizer": None}
        if self.tokenizer is not None:
            entries = self.tokenizer.manifest_entries()
            if self.rows_without_piece:
                entries["tokenizer"]["rows_without_piece"] = self.rows_without_piece
        not_used = () if self.chosen_heads.heads else _OF_HEADS
        not_used += () if self.mlm else _OF_MLM
        config = {k: value for k, value in self.config.to_json().items() if k not in not_used}
        if not self.config.pooler:
            entries["default"] = "mean"
        return {
            "config": config,
            "weights": self._weights(),
            "heads": self.head_names,
            **self.chosen_heads.manifest_entries(),
            **entries,
        }

    def _weights(self) -> dict[str, Any]:
        if self.checkpoint is None:
            return {
                "source": "untrained",
                "seed": self.seed,
                **self.chosen_heads.weights_entries(seed=self.seed),
            }
        further = {"unused": self.unused, "assumed": dict(self.assumed)}
        return {
            "source": "checkpoint",
            **self.chosen_heads.weights_entries(seed=self.seed),
            **self.checkpoint.manifest_entries(),
            **{name: value for name, value in further.items() if value},
        }


def untrained(
    config: str | None,
    *,
    overrides: Mapping[str, Any] = types.MappingProxyType({}),
    tokenizer: tokenizer_choice.Request = _ANY_TOKENIZER,
    mlm: bool | None = None,
    seed: int = 0,
    head: head_choice.Request = _ANY_HEAD,
) -> EncoderSpec:
    """Returns the spec of an encoder with random weights.

    Args:
      config: a size or the path of a config.
      overrides: fields of the config to replace.
      tokenizer: what the user says of it; without a file, it is the demo vocabulary.
      mlm: whether the artifact gets the masked language model; None for yes.
      seed: of the weights.
      head: what the user says of heads of a fine-tuned model.

    Raises:
      errors.ConfigError: no config, or no valid one; the head does not fit.
      errors.VocabularyError: the tokenizer is not valid, or not of the config's size.
    """
    if config is None:
        sizes = ", ".join(albert_config.SIZES)
        raise errors.ConfigError(f"--config is required without --checkpoint: {sizes} or a path")
    loaded = dataclasses.replace(albert_config.load(config), **overrides)
    resolved = tokenizer_choice.resolve(tokenizer)
    assert resolved is not None  # without directories there is the demo vocabulary
    resolved.described.check_vocab_size(loaded.vocab_size)
    return EncoderSpec(
        config=loaded,
        tokenizer=resolved,
        mlm=mlm is not False,
        chosen_heads=head_choice.choose(head, checkpoint=None, config=loaded),
        seed=seed,
    )


def from_checkpoint(
    location: str,
    *,
    checkpoint_format: str | None = None,
    config: str | None = None,
    overrides: Mapping[str, Any] = types.MappingProxyType({}),
    tokenizer: tokenizer_choice.Request | None = _ANY_TOKENIZER,
    mlm: bool | None = None,
    adapter: str | None = None,
    allow_unused: str | None = None,
    seed: int = 0,
    head: head_choice.Request = _ANY_HEAD,
) -> EncoderSpec:
    """Returns the spec of an encoder with the weights of a checkpoint.

    Args:
      location: of the checkpoint, see `opening.open`.
      checkpoint_format: see `opening.open`.
      config: a size or the path of a config; None for the one that comes with the checkpoint.
      overrides: fields of the config to replace.
      tokenizer: what the user says of it; without a file, it is that of the checkpoint. None if
        there is none.
      mlm: whether the artifact gets the masked language model; None for what the weights have.
      adapter: see `opening.open`.
      allow_unused: see `opening.open`.
      seed: of a new head.
      head: what the user says of heads of a fine-tuned model.

    Raises:
      errors.CheckpointError: the checkpoint cannot be read, or lacks the head.
      errors.CheckpointMismatchError: the checkpoint does not fit the config, or several things do
        not fit.
      errors.ConfigError: no config, or one that differs from the checkpoint's own.
      errors.VocabularyError: no tokenizer, or none that fits.
    """
    checkpoint = opening.open(
        location, checkpoint_format=checkpoint_format, adapter=adapter, allow_unused=allow_unused
    )
    found: list[errors.InputError] = []
    fitting = errors.attempt(
        lambda: dataclasses.replace(checkpoint_config.resolve(checkpoint, config), **overrides),
        found,
    )
    resolved = None
    if tokenizer is not None:
        resolved = errors.attempt(lambda: _tokenizer(checkpoint, fitting, tokenizer), found)
    has_mlm = restore.has_mlm_head(checkpoint)
    if mlm and not has_mlm:
        found.append(
            errors.CheckpointError(
                f"checkpoint {location!r} has no masked language model head that can be read; "
                "export without it: --nomlm"
            )
        )
    mlm = has_mlm and mlm is not False
    chosen = errors.attempt(
        lambda: head_choice.choose(head, checkpoint=checkpoint, config=fitting), found
    )
    if fitting is not None and chosen is not None:
        _check_weights(checkpoint, fitting, mlm, chosen, found)
    if found or fitting is None or chosen is None:
        raise errors.combined(found)
    return EncoderSpec(
        config=fitting,
        tokenizer=resolved,
        mlm=mlm,
        chosen_heads=chosen,
        seed=seed,
        checkpoint=checkpoint,
        assumed=checkpoint_config.assumed(checkpoint, config),
    )


def _check_weights(
    checkpoint: lazy_checkpoint.Checkpoint,
    config: albert_config.AlbertConfig,
    mlm: bool,
    chosen: head_choice.Chosen,
    found: list[errors.InputError],
) -> None:
    problems = restore.problems(checkpoint, config=config, mlm=mlm, heads=chosen.trained)
    if problems:
        title = (
            f"checkpoint {checkpoint.location!r} (format {checkpoint.format}) does not fit the "
            "model"
        )
        found.append(errors.CheckpointMismatchError(errors.listing(title, problems)))


def _tokenizer(
    checkpoint: lazy_checkpoint.Checkpoint,
    config: albert_config.AlbertConfig | None,
    request: tokenizer_choice.Request,
) -> tokenizer_spec.TokenizerSpec:
    tokenizer = tokenizer_choice.of_checkpoint(checkpoint, request)
    # Rows without a piece do no harm; pieces without a row do.
    if config is not None and tokenizer.described.vocab_size > config.vocab_size:
        tokenizer.described.check_vocab_size(config.vocab_size)
    return tokenizer
