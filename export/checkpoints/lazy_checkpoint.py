"""What a checkpoint is once it is open: named tensors that are read when they are asked for.

checkpoint.tensors["albert.pooler.bias"].read()
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from configs import albert_config, errors
from export.checkpoints import mapping
from export.metadata import checksums


@dataclasses.dataclass(frozen=True, kw_only=True)
class LazyTensor:
    """A tensor of a file.

    Attributes:
      name: as the file spells it.
      shape: its shape.
      dtype: name of the type it is stored in ("float32", "bfloat16", "int64", ...).
      read: reads it. bfloat16 arrives as the same numbers in float32. Raises
        errors.CheckpointError where the file is truncated or corrupted.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """An open checkpoint.

    Attributes:
      format: the kind of source, one of `weight_table.FORMATS`.
      location: what the user gave.
      tensors: every tensor, by canonical name (see `export/checkpoints/weight_table.py`).
      config: the hyper-parameters, from the file that comes with the weights; None without one.
      config_file: that file.
      sp_model_files: the SentencePiece models that come with the weights.
      files: the files that the weights are read from.
      repository: "org/name@commit" on the Hugging Face hub, if it came from there.
      unused_tensors: names in the file of tensors that belong to something else.
    """

    format: str
    location: str
    tensors: Mapping[str, LazyTensor] = dataclasses.field(repr=False)
    config: albert_config.AlbertConfig | None = None
    config_file: str | None = None
    sp_model_files: tuple[str, ...] = ()
    files: tuple[str, ...]
    repository: str | None = None
    unused_tensors: tuple[str, ...] = ()

    @property
    def sp_model_file(self) -> str | None:
        """The SentencePiece model that comes with the weights; None without one.

        Raises:
          errors.CheckpointError: there are several, and they differ.
        """
        by_content = {checksums.sha256(path): path for path in reversed(self.sp_model_files)}
        if len(by_content) > 1:
            names = ", ".join(map(os.path.basename, self.sp_model_files))
            raise errors.CheckpointError(
                f"checkpoint {self.location!r} comes with several SentencePiece models ({names}); "
                "say which with --sp_model_file"
            )
        return next(iter(by_content.values()), None)

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of the source: no paths, but digests of the files.

        `dtypes` are those the weights are stored in: narrower ones are widened, exactly.
        """
        entries: dict[str, Any] = {
            "format": self.format,
            "dtypes": sorted(
                {
                    tensor.dtype
                    for name, tensor in self.tensors.items()
                    if mapping.ignored_reason(name, checkpoint_format=self.format) is None
                }
            ),
            "files": {os.path.basename(path): checksums.sha256(path) for path in self.files},
        }
        return entries | ({"repository": self.repository} if self.repository else {})
