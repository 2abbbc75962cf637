"""What determines the result of a training, and the check that a resumed run has the same.

Example:
    paths = settings.find_texts(["corpus/*.txt"])
"""

import codecs
import dataclasses
import glob
import json
import os
from collections.abc import Sequence
from typing import Any

from configs import errors
from export.artifacts import belonging
from export.metadata import checksums, manifest

FILE = "settings.json"
_HEAD_BYTES = 4096  # of each text file, to tell text from other files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The flags of the command that decide the weights.

    Attributes:
      encoder: folder of an exported encoder.
      preprocessor: folder of its preprocessor.
      text_files: paths, see `find_texts`.
      sop: whether the order of segments is predicted, too.
      num_steps: steps of the whole training.
      batch_size: rows per step, of all workers together.
      seq_length: tokens per row, special tokens included.
      learning_rate: the highest.
      warmup: share of the steps in which the learning rate rises.
      weight_decay: AdamW's.
      seed: of the order of the text, of masking and of swapping.
    """

    encoder: str
    preprocessor: str
    text_files: tuple[str, ...]
    sop: bool
    num_steps: int
    batch_size: int
    seq_length: int
    learning_rate: float
    warmup: float
    weight_decay: float
    seed: int

    def record(self) -> dict[str, Any]:
        """Returns JSON values: artifacts as digests, files with their sizes."""
        content = dataclasses.asdict(self)
        for name in ("encoder", "preprocessor"):
            content[name] = checksums.digest(content[name])
        content["text_files"] = [[path, os.path.getsize(path)] for path in self.text_files]
        return content

    def claim(self, directory: str) -> None:
        """Records the settings in a folder for checkpoints, or compares them with its run's.

        Raises:
          errors.DestinationError: the folder is that of a run with other settings, or of no run.
        """
        os.makedirs(directory, exist_ok=True)
        path, content = os.path.join(directory, FILE), self.record()
        if not os.path.exists(path):
            others = [name for name in os.listdir(directory) if not name.startswith(".")]
            if others not in ([], [FILE]):  # that of another worker
                raise errors.DestinationError(
                    f"--checkpoint_dir must be a new folder or that of a run, got {directory!r}"
                )
            temporary = os.path.join(directory, f".{FILE}-{os.getpid()}")
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
            os.replace(temporary, path)
            return
        try:
            with open(path, encoding="utf-8") as file:
                found = dict(json.load(file))
        except (ValueError, TypeError) as error:
            raise errors.DestinationError(f"{path!r} is not what a run wrote: {error}") from error
        differences = [
            f"{name} was {found.get(name)!r} and is {value!r}"
            for name, value in content.items()
            if found.get(name) != value
        ]
        if differences:
            title = f"--checkpoint_dir={directory} has a run with other settings"
            raise errors.DestinationError(errors.listing(title, differences))

    def check(self) -> Sequence[str]:
        """Compares the artifacts with each other and with the flags; returns notices.

        Raises:
          errors.InputError: they do not fit.
        """
        entries = manifest.read(self.encoder)
        if entries.get("artifact") != manifest.ENCODER:
            raise errors.InputError(
                f"--encoder must be a folder that export.encoder wrote, got {self.encoder!r}"
            )
        found = belonging.check(self.encoder, self.preprocessor, allow_other_tokenization=True)
        problems = list(found.problems)
        positions = entries.get("config", {}).get("max_position_embeddings", self.seq_length)
        if self.seq_length > positions:
            problems.append(
                f"--seq_length must be at most {positions}, the encoder's number of positions, got "
                f"{self.seq_length}"
            )
        if problems:
            raise errors.InputError("; ".join(problems))
        return found.notices


def find_texts(patterns: Sequence[str]) -> tuple[str, ...]:
    """Returns the paths of text files, sorted.

    Args:
      patterns: paths, or globs.

    Raises:
      errors.InputError: a pattern has no file, or a file is not text; all of them are listed.
    """
    found: set[str] = set()
    problems = []
    for pattern in patterns:
        paths = [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True)
        if not paths:
            problems.append(f"--text_file must exist, got {pattern!r}")
        found.update(paths)
    problems += [problem for path in sorted(found) if (problem := _problem(path))]
    if problems:
        raise errors.InputError("; ".join(problems))
    return tuple(sorted(found))


def _problem(path: str) -> str:
    if not os.path.isfile(path):
        return f"--text_file must be a file, got {path!r}"
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return f"--text_file must be text in UTF-8 that is not compressed, got {path!r}"
    return ""
