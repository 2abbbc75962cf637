"""What a checkpoint is once it is open: named tensors that are read when they are asked for.

checkpoint.tensors["albert.pooler.bias"].read()
"""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from configs import albert_config, errors, head_config, source_rules, tokenizations
from export.checkpoints import head_detection, mapping, weight_table
from export.metadata import checksums

# float16 and bfloat16 are subsets of float32: reading them changes no number. float64 is not, and
# integers mean that somebody quantized the model.
EXACT_IN_FLOAT32 = ("float32", "float16", "bfloat16")


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


def has_same_bits(first: LazyTensor, second: LazyTensor) -> bool:
    """Returns whether two tensors are equal in shape, type and every bit.

    Raises:
      errors.CheckpointError: one of them cannot be read.
    """
    if (first.shape, first.dtype) != (second.shape, second.dtype):
        return False
    return first.read().tobytes() == second.read().tobytes()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """An open checkpoint.

    Attributes:
      format: the kind of source, one of `weight_table.FORMATS`.
      location: what the user gave.
      tensors: every tensor, by canonical name (see `export/checkpoints/weight_table.py`).
      config_values: the content of the config that comes with the weights; None without one.
      config_file: its file.
      rules: what the code that wrote the weights fixes; None where the config says it all.
      directories: where the files beside the weights lie, the tokenizer's among them.
      files: the files that the weights are read from.
      original_format: of an artifact of this project, the format that its own weights had.
      adapter_files: the files of an adapter that was merged into them.
      repository: "org/name@commit" on the Hugging Face hub, if it came from there.
      unused_tensors: names in the file of tensors that belong to something else.
      allow_unused: regular expression of names in the file of tensors that may be left out.
      notices: what the user should know of how it was found and read.
      told_heads: what other files than the config say of heads, see `head_detection.find`.
    """

    format: str
    location: str
    tensors: Mapping[str, LazyTensor] = dataclasses.field(repr=False)
    config_values: Mapping[str, Any] | None = None
    config_file: str | None = None
    rules: source_rules.SourceRules | None
    directories: tuple[str, ...]
    files: tuple[str, ...]
    original_format: str | None = None
    adapter_files: tuple[str, ...] = ()
    repository: str | None = None
    unused_tensors: tuple[str, ...] = ()
    allow_unused: str | None = None
    notices: tuple[str, ...] = ()
    told_heads: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    @property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}

    @functools.cached_property
    def sizes(self) -> dict[str, int]:
        """The fields of a config that the weights tell."""
        return mapping.sizes(self._shapes, checkpoint_format=self.format)

    @functools.cached_property
    def found_heads(self) -> head_detection.Found:
        """The heads of a fine-tuned model that the weights have, or a part of."""
        return head_detection.find(
            self._shapes,
            checkpoint_format=self.format,
            config=self.config_values or {},
            told=self.told_heads,
        )

    @functools.cached_property
    def heads(self) -> tuple[head_config.HeadConfig, ...]:
        """The same with their labels.

        Raises:
          errors.ConfigError: the labels do not fit the weights.
        """
        return self.found_heads.configs(self.config_values or {}, self.told_heads)

    @functools.cached_property
    def config(self) -> albert_config.AlbertConfig | None:
        """The hyper-parameters, from config and weights; None without a config.

        Raises:
          errors.ConfigError: the config is not valid, or of another model.
        """
        if self.config_values is None:
            return None
        try:
            config = albert_config.from_json(self.config_values, rules=self.rules, sizes=self.sizes)
        except errors.ConfigError as error:
            raise errors.ConfigError(f"config {self.config_file!r}: {error}") from error
        return self.fitted(config)

    def fitted(self, config: albert_config.AlbertConfig) -> albert_config.AlbertConfig:
        """Returns a config with what only the weights say: whether there are some of the layers."""
        sizes_differ = config.embedding_size != config.hidden_size
        needs_pooler = self.has(weight_table.SOP_HEAD) or any(
            head_config.needs_pooler(kind) for kind in self.found_heads.kinds
        )
        own_eps = self.rules.mlm_layer_norm_eps if self.rules else config.mlm_layer_norm_eps
        return dataclasses.replace(
            config,
            embedding_projection=sizes_differ or self.has(weight_table.PROJECTION),
            pooler=self.has(weight_table.POOLER) or needs_pooler,
            mlm_layer_norm_eps=own_eps if self.has(weight_table.MLM_HEAD) else None,
        )

    def has(self, prefix: str) -> bool:
        """Returns whether there is any weight of the variables with this prefix, blocks aside."""
        names = mapping.names_with_prefix(prefix, checkpoint_format=self.format)
        return not names.isdisjoint(self.tensors)

    @property
    def tokenization(self) -> str:
        """What its models are exported with unless the user or a file says another one."""
        return self.rules.tokenization if self.rules else tokenizations.HUB

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
        if self.adapter_files:
            entries["adapter"] = {
                os.path.basename(path): checksums.sha256(path) for path in self.adapter_files
            }
        further = {"original_format": self.original_format, "repository": self.repository}
        return entries | {name: value for name, value in further.items() if value}
