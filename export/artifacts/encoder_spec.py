"""What an encoder is made from: config, tokenizer and weights that belong together.

    spec = encoder_spec.from_checkpoint("hf://albert/albert-large-v2", ...)

Everything that can be checked without TensorFlow is checked here, before the user has waited for
it, and everything that does not fit is listed in one error.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from configs import albert_config, errors
from export.artifacts import tokenizer_choice, tokenizer_spec
from export.checkpoints import (
    checkpoint_config,
    compatibility,
    lazy_checkpoint,
    opening,
    restore,
)

_T = TypeVar("_T")
_ANY_TOKENIZER = tokenizer_choice.Request()


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """Config, tokenizer and weights of an encoder.

    Attributes:
      config: the hyper-parameters.
      tokenizer: makes its ids from text; None where they are not made from text.
      mlm: whether the artifact gets the masked language model.
      checkpoint: where the weights come from; None for random ones.
      assumed: defaults that were taken for what neither config nor weights say.
      seed: of the random weights.
    """

    config: albert_config.AlbertConfig
    tokenizer: tokenizer_spec.TokenizerSpec | None
    mlm: bool
    checkpoint: lazy_checkpoint.Checkpoint | None = None
    assumed: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0

    @property
    def sop(self) -> bool:
        """Whether the artifact gets the sentence-order head: where the weights have it."""
        return self.checkpoint is not None and restore.has_sop_head(self.checkpoint)

    @property
    def unused(self) -> dict[str, str]:
        """Why each tensor of the checkpoint that is not used is left out, by its name."""
        if self.checkpoint is None:
            return {}
        entries = restore.entries_of(self.checkpoint, config=self.config, mlm=self.mlm)
        return compatibility.unused(entries, self.checkpoint)

    @property
    def rows_without_piece(self) -> int:
        """The number of word embeddings that no piece of the tokenizer has."""
        pieces = self.tokenizer.described.vocab_size if self.tokenizer else self.config.vocab_size
        return self.config.vocab_size - pieces

    def notices(self) -> list[str]:
        """Returns lines about what the user should not find out only later."""
        if self.checkpoint is None:
            return [f"no checkpoint, so the weights are random (seed {self.seed}) and untrained"]
        lines = [*self.checkpoint.notices, *(self.tokenizer.notices if self.tokenizer else ())]
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
        reasons: dict[str, list[str]] = {}
        for name, reason in self.unused.items():
            reasons.setdefault(reason, []).append(name)
        return lines + [
            f"left out ({reason}): {', '.join(names)}" for reason, names in reasons.items()
        ]

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it: no paths, but digests of the files."""
        entries: dict[str, Any] = {"tokenizer": None}
        if self.tokenizer is not None:
            entries = self.tokenizer.manifest_entries()
            if self.rows_without_piece:
                entries["tokenizer"]["rows_without_piece"] = self.rows_without_piece
        return {"config": self.config.to_json(), "weights": self._weights(), **entries}

    def _weights(self) -> dict[str, Any]:
        if self.checkpoint is None:
            return {"source": "untrained", "seed": self.seed}
        further = {"unused": self.unused, "assumed": dict(self.assumed)}
        return {
            "source": "checkpoint",
            **self.checkpoint.manifest_entries(),
            **{name: value for name, value in further.items() if value},
        }


def make(
    checkpoint: str | None,
    *,
    config: str | None,
    overrides: Mapping[str, Any],
    tokenizer: tokenizer_choice.Request | None,
    mlm: bool | None,
    seed: int,
    **options: Any,
) -> EncoderSpec:
    """Returns `from_checkpoint` or, without one, `untrained`, of the arguments that it has."""
    common: dict[str, Any] = {"config": config, "overrides": overrides, "mlm": mlm}
    if checkpoint is not None:
        return from_checkpoint(checkpoint, tokenizer=tokenizer, **common, **options)
    tokenizer = tokenizer or tokenizer_choice.Request()
    return untrained(tokenizer=tokenizer, seed=seed, **common)


def untrained(
    config: str | None,
    *,
    overrides: Mapping[str, Any] = types.MappingProxyType({}),
    tokenizer: tokenizer_choice.Request = _ANY_TOKENIZER,
    mlm: bool | None = None,
    seed: int = 0,
) -> EncoderSpec:
    """Returns the spec of an encoder with random weights.

    Args:
      config: a size or the path of a config.
      overrides: fields of the config to replace.
      tokenizer: what the user says of it; without a file, it is the demo vocabulary.
      mlm: whether the artifact gets the masked language model; None for yes.
      seed: of the weights.

    Raises:
      errors.ConfigError: no config, or no valid one.
      errors.VocabularyError: the tokenizer is not valid, or not of the config's size.
    """
    if config is None:
        sizes = ", ".join(albert_config.SIZES)
        raise errors.ConfigError(f"--config is required without --checkpoint: {sizes} or a path")
    loaded = dataclasses.replace(albert_config.load(config), **overrides)
    resolved = tokenizer_choice.resolve(tokenizer)
    assert resolved is not None  # without directories there is the demo vocabulary
    resolved.described.check_vocab_size(loaded.vocab_size)
    return EncoderSpec(config=loaded, tokenizer=resolved, mlm=mlm is not False, seed=seed)


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
    fitting = _tried(
        lambda: dataclasses.replace(checkpoint_config.resolve(checkpoint, config), **overrides),
        found,
    )
    resolved = None
    if tokenizer is not None:
        resolved = _tried(lambda: _tokenizer(checkpoint, fitting, tokenizer), found)
    has_mlm = restore.has_mlm_head(checkpoint)
    if mlm and not has_mlm:
        found.append(
            errors.CheckpointError(
                f"checkpoint {location!r} has no masked language model head that can be read; "
                "export without it: --nomlm"
            )
        )
    mlm = has_mlm and mlm is not False
    if fitting is not None:
        _check_weights(checkpoint, fitting, mlm, found)
    if found or fitting is None:
        raise _combined(found)
    return EncoderSpec(
        config=fitting,
        tokenizer=resolved,
        mlm=mlm,
        checkpoint=checkpoint,
        assumed=checkpoint_config.assumed(checkpoint, config),
    )


def _check_weights(
    checkpoint: lazy_checkpoint.Checkpoint,
    config: albert_config.AlbertConfig,
    mlm: bool,
    found: list[errors.InputError],
) -> None:
    problems = restore.problems(checkpoint, config=config, mlm=mlm)
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


def _tried(make: Callable[[], _T], found: list[errors.InputError]) -> _T | None:
    """Returns what `make` makes; None, and the error in `found`, if it cannot."""
    try:
        return make()
    except errors.InputError as error:
        found.append(error)
        return None


def _combined(found: list[errors.InputError]) -> errors.InputError:
    if len(found) == 1:
        return found[0]
    title = f"{len(found)} things do not fit"
    return errors.CheckpointMismatchError(errors.listing(title, [str(one) for one in found]))
