"""What an embedder is made of: an encoder and a preprocessor that belong together.

    spec = embedder_spec.EmbedderSpec(encoder_dir="exports/albert_en_large/1", ...)

Checked without TensorFlow, from the manifests.
"""

import dataclasses
import os

from configs import errors
from export.metadata import manifest

POOLINGS = ("pooled", "mean", "first")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EmbedderSpec:
    """An encoder, its preprocessor, and how a text becomes one vector.

    Attributes:
      encoder_dir: of an encoder of this toolchain.
      preprocessor_dir: of a preprocessor of this toolchain, for the same vocabulary.
      pooling: "pooled" for `pooled_output`, "mean" or "first" for the mean over the tokens or the
        first token of `sequence_output`.
      normalize: whether to scale the vectors to length one.
      max_seq_length: tokens after which a text is cut, special tokens included.

    Raises:
      errors.InputError: lists everything that does not fit.
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
        return {
            manifest.ENCODER: self.encoder_dir,
            manifest.PREPROCESSOR: self.preprocessor_dir,
        }

    def manifests(self) -> dict[str, dict]:
        """Returns the manifest of each part, by its kind."""
        return {kind: manifest.read(folder) for kind, folder in self._folders().items()}

    def _problems(self) -> list[str]:
        found = self.manifests()
        problems = [
            f"--{kind} has no manifest of this toolchain as an {kind}; export it anew"
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
