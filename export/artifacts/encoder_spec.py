"""What an encoder is made from: config, tokenizer and weights that belong together.

    spec = encoder_spec.from_checkpoint("hf://albert/albert-large-v2", ...)

Everything that can be checked without TensorFlow is checked here: before a user has waited for it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from configs import albert_config, errors
from export.checkpoints import lazy_checkpoint, opening, restore
from preprocess.vocabulary import vocabularies


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """Config, tokenizer and weights of an encoder.

    Attributes:
      config: the hyper-parameters.
      vocabulary: the tokenizer's; its size is the config's `vocab_size`.
      mlm: whether the artifact gets the masked language model.
      lower_case: whether the vocabulary is uncased.
      checkpoint: where the weights come from; None for random ones.
      seed: of the random weights.
    """

    config: albert_config.AlbertConfig
    vocabulary: vocabularies.Vocabulary
    mlm: bool
    lower_case: bool = True
    checkpoint: lazy_checkpoint.Checkpoint | None = None
    seed: int = 0

    @property
    def sop(self) -> bool:
        """Whether the artifact gets the sentence-order head: where the weights have it."""
        return self.checkpoint is not None and restore.has_sop_head(self.checkpoint)

    def notices(self) -> list[str]:
        """Returns lines about what the user should not find out only later."""
        if self.checkpoint is None:
            return [f"no checkpoint, so the weights are random (seed {self.seed}) and untrained"]
        if self.checkpoint.unused_tensors:
            names = ", ".join(self.checkpoint.unused_tensors)
            return [f"the encoder is part of a larger model; these variables are left out: {names}"]
        return []

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it: no paths, but digests of the files."""
        return {
            "config": dataclasses.asdict(self.config),
            "weights": (
                {"source": "checkpoint", **self.checkpoint.manifest_entries()}
                if self.checkpoint
                else {"source": "untrained", "seed": self.seed}
            ),
            "tokenizer": {
                "file": self.vocabulary.file_name,
                "sha256": self.vocabulary.file_sha256,
            },
        }


def untrained(
    config: str | None,
    *,
    overrides: Mapping[str, Any],
    sp_model_file: str | None,
    vocab_file: str | None = None,
    lower_case: bool = True,
    mlm: bool,
    seed: int,
) -> EncoderSpec:
    """Returns the spec of an encoder with random weights.

    Args:
      config: a size or the path of a config.
      overrides: fields of the config to replace.
      sp_model_file: the tokenizer; None for the one that ships with the project.
      vocab_file: a WordPiece vocabulary in its place.
      lower_case: whether the vocabulary is uncased.
      mlm: whether the artifact gets the masked language model.
      seed: of the weights.

    Raises:
      errors.ConfigError: no config, or no valid one.
      errors.VocabularyError: the tokenizer is not valid, or not of the config's size.
    """
    if config is None:
        sizes = ", ".join(albert_config.SIZES)
        raise errors.ConfigError(f"--config is required without --checkpoint: {sizes} or a path")
    loaded = dataclasses.replace(albert_config.load(config), **overrides)
    vocabulary = vocabularies.read(sp_model_file, vocab_file=vocab_file)
    vocabulary.check_vocab_size(loaded.vocab_size)
    return EncoderSpec(
        config=loaded, vocabulary=vocabulary, lower_case=lower_case, mlm=mlm, seed=seed
    )


def from_checkpoint(
    location: str,
    *,
    checkpoint_format: str | None,
    config: str | None,
    overrides: Mapping[str, Any],
    sp_model_file: str | None,
    vocab_file: str | None = None,
    lower_case: bool = True,
    mlm: bool,
) -> EncoderSpec:
    """Returns the spec of an encoder with the weights of a checkpoint.

    Args:
      location: of the checkpoint, see `opening.open`.
      checkpoint_format: see `opening.open`.
      config: a size or the path of a config; None for the one that comes with the checkpoint.
      overrides: fields of the config to replace.
      sp_model_file: the tokenizer; None for the one that comes with the checkpoint.
      vocab_file: a WordPiece vocabulary in its place.
      lower_case: whether the vocabulary is uncased.
      mlm: whether the artifact gets the masked language model.

    Raises:
      errors.CheckpointError: the checkpoint cannot be read, or lacks the head.
      errors.CheckpointMismatchError: the checkpoint does not fit the config.
      errors.ConfigError: no config, or one that differs from the checkpoint's own.
      errors.VocabularyError: no tokenizer, or none that fits.
    """
    checkpoint = opening.open(location, checkpoint_format=checkpoint_format)
    fitting = dataclasses.replace(
        resolved_config(checkpoint, albert_config.load(config) if config else None), **overrides
    )
    if vocab_file is None and sp_model_file is None:
        sp_model_file = _sp_model_file(checkpoint)
    vocabulary = vocabularies.read(sp_model_file, vocab_file=vocab_file)
    vocabulary.check_vocab_size(fitting.vocab_size)
    if mlm and not restore.has_mlm_head(checkpoint):
        raise errors.CheckpointError(
            f"checkpoint {checkpoint.location!r} has no masked language model head that can be "
            "read; export without it: --nomlm"
        )
    restore.check(checkpoint, config=fitting, mlm=mlm)
    return EncoderSpec(
        config=fitting, vocabulary=vocabulary, lower_case=lower_case, mlm=mlm, checkpoint=checkpoint
    )


def resolved_config(
    checkpoint: lazy_checkpoint.Checkpoint, given: albert_config.AlbertConfig | None
) -> albert_config.AlbertConfig:
    """Returns the config of a checkpoint: its own or the one given, which must not differ.

    Raises:
      errors.ConfigError: there is none, or there are two that differ.
    """
    own = checkpoint.config
    if own is None and given is None:
        raise errors.ConfigError(
            f"checkpoint {checkpoint.location!r} comes without a config; say which with --config"
        )
    if own is not None and given is not None:
        # Whether there is a projection where it is not needed, only the weights say.
        differences = [
            f"{field.name} is {getattr(given, field.name)} in --config, "
            f"{getattr(own, field.name)} in the checkpoint's"
            for field in dataclasses.fields(own)
            if field.name != "embedding_projection"
            and getattr(given, field.name) != getattr(own, field.name)
        ]
        if differences:
            title = f"--config differs from {checkpoint.config_file!r}, which may be left to speak"
            raise errors.ConfigError(errors.listing(title, differences))
    config = own or given
    assert config is not None
    projection = restore.has_embedding_projection(checkpoint, config)
    return dataclasses.replace(config, embedding_projection=projection)


def _sp_model_file(checkpoint: lazy_checkpoint.Checkpoint) -> str:
    if checkpoint.sp_model_file is None:
        raise errors.VocabularyError(
            f"checkpoint {checkpoint.location!r} comes without a SentencePiece model "
            "(spiece.model, 30k-clean.model); say which with --sp_model_file, or --vocab_file. "
            "The vocabulary that ships with this project has other pieces than any published "
            "model's"
        )
    return checkpoint.sp_model_file
