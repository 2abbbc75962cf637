"""The spec of an embedder, checked by what its encoder and its preprocessor record.

Example:
    spec = embedder_spec.EmbedderSpec(
        encoder_dir="exports/albert_en_large/1", preprocessor_dir="exports/albert_en_preprocess/1",
        pooling="mean", normalize=True,
    )
"""

import dataclasses
import functools
import os

from configs import errors
from export.artifacts import belonging
from export.metadata import manifest

POOLINGS = ("pooled", "mean", "first")
_MAX_SEQ_LENGTH = 512


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmbedderSpec:
    """An encoder, its preprocessor, and the way from a text to one vector.

    Attributes:
      encoder_dir: folder of an encoder.
      preprocessor_dir: folder of a preprocessor for the same vocabulary.
      pooling: "pooled" for `pooled_output`, "mean" or "first" for the mean over the tokens or the
        first token of `sequence_output`.
      normalize: whether to scale the vectors to length one.
      max_seq_length: tokens after which a text is cut, special tokens included; None for 512, or
        the encoder's positions if it has fewer.
      allow_other_tokenization: whether encoder and preprocessor may have different tokenizations.

    Raises:
      errors.InputError: lists every problem.
    """

    encoder_dir: str
    preprocessor_dir: str
    pooling: str
    normalize: bool
    max_seq_length: int | None = None
    allow_other_tokenization: bool = False

    def __post_init__(self) -> None:
        for kind, folder in self._folders().items():
            if not os.path.isfile(os.path.join(folder, "saved_model.pb")):
                raise errors.InputError(
                    f"--{kind} must be the folder of a SavedModel, got {folder!r}"
                )
        problems = [*self.belonging.problems, *self._problems()]
        if problems:
            raise errors.InputError("; ".join(problems))

    @functools.cached_property
    def belonging(self) -> belonging.Belonging:
        """Whether encoder and preprocessor belong together."""
        return belonging.check(
            self.encoder_dir,
            self.preprocessor_dir,
            allow_other_tokenization=self.allow_other_tokenization,
        )

    @functools.cached_property
    def length(self) -> int:
        """Tokens after which a text is cut, special tokens included."""
        return self.max_seq_length or min(_MAX_SEQ_LENGTH, self._positions)

    @property
    def _positions(self) -> int:
        config = manifest.read(self.encoder_dir).get("config", {})
        return config.get("max_position_embeddings", _MAX_SEQ_LENGTH)

    def _folders(self) -> dict[str, str]:
        return {manifest.ENCODER: self.encoder_dir, manifest.PREPROCESSOR: self.preprocessor_dir}

    def manifests(self) -> dict[str, dict]:
        """Returns the manifests of the encoder and the preprocessor, by kind."""
        return {kind: manifest.read(folder) for kind, folder in self._folders().items()}

    def _problems(self) -> list[str]:
        found = self.manifests()
        problems = [
            f"--{kind} is the folder of an artifact of another kind: {content['artifact']}"
            for kind, content in found.items()
            if content.get("artifact", kind) != kind
        ]
        if self.pooling == "pooled" and found[manifest.ENCODER].get("default") == "mean":
            problems.append(
                "the encoder has no pooler, and so no pooled_output: give --pooling mean or "
                "--pooling first"
            )
        if self.length > self._positions:
            problems.append(
                f"max_seq_length must be at most {self._positions}, the encoder's number of "
                f"positions, got {self.length}"
            )
        return problems
