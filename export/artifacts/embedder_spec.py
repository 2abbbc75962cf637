"""The spec of an embedder, checked by the manifests of its encoder and its preprocessor.

Example:
    spec = embedder_spec.EmbedderSpec(
        encoder_dir="exports/albert_en_large/1", preprocessor_dir="exports/albert_en_preprocess/1",
        pooling="mean", normalize=True, max_seq_length=512,
    )
"""

import dataclasses
import os

from configs import errors
from export.metadata import manifest

POOLINGS = ("pooled", "mean", "first")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmbedderSpec:
    """An encoder, its preprocessor, and the way from a text to one vector.

    Attributes:
      encoder_dir: folder of an encoder of this toolchain.
      preprocessor_dir: folder of a preprocessor of this toolchain, for the same vocabulary.
      pooling: "pooled" for `pooled_output`, "mean" or "first" for the mean over the tokens or the
        first token of `sequence_output`.
      normalize: whether to scale the vectors to length one.
      max_seq_length: tokens after which a text is cut, special tokens included.

    Raises:
      errors.InputError: lists every problem.
    """

    encoder_dir: str
    preprocessor_dir: str
    pooling: str
    normalize: bool
    max_seq_length: int

    def __post_init__(self) -> None:
        for kind, folder in self._folders().items():
            if not os.path.isfile(os.path.join(folder, "saved_model.pb")):
                raise errors.InputError(
                    f"--{kind} must be the folder of a SavedModel, got {folder!r}"
                )
        problems = self._problems()
        if problems:
            raise errors.InputError("; ".join(problems))

    def _folders(self) -> dict[str, str]:
        return {manifest.ENCODER: self.encoder_dir, manifest.PREPROCESSOR: self.preprocessor_dir}

    def manifests(self) -> dict[str, dict]:
        """Returns the manifests of the encoder and the preprocessor, by kind."""
        return {kind: manifest.read(folder) for kind, folder in self._folders().items()}

    def _problems(self) -> list[str]:
        found = self.manifests()
        problems = [
            f"--{kind} does not have this toolchain's {kind} manifest; export it again"
            for kind, content in found.items()
            if content.get("artifact") != kind
        ]
        encoder, preprocessor = found[manifest.ENCODER], found[manifest.PREPROCESSOR]
        if not problems and encoder["tokenizer"] is None:
            problems.append("the encoder was exported without a tokenizer (--notokenizer)")
        if not problems and encoder["tokenizer"]["sha256"] != preprocessor["tokenizer"]["sha256"]:
            problems.append(
                f"the encoder was exported with tokenizer {encoder['tokenizer']}, "
                f"the preprocessor with {preprocessor['tokenizer']}"
            )
        if self.pooling == "pooled" and encoder.get("default") == "mean":
            problems.append(
                "the encoder has no pooler, and so no pooled_output: give --pooling mean or "
                "--pooling first"
            )
        longest = encoder.get("config", {}).get("max_position_embeddings", self.max_seq_length)
        if self.max_seq_length > longest:
            problems.append(
                f"max_seq_length must be at most {longest}, the encoder's number of positions, "
                f"got {self.max_seq_length}"
            )
        return problems
