"""Reads `modules.json` of a folder of sentence-transformers: its parts, and where they are.

modules = sentence_transformers_modules.read("paraphrase-albert-small-v2")  # None without one
modules[0].kind, modules[0].folder  # "Transformer", ""
"""

import dataclasses
import os
import posixpath

from configs import errors
from export.checkpoints.readers import sidecars

FILE = "modules.json"
TRANSFORMER, POOLING, DENSE, NORMALIZE = "Transformer", "Pooling", "Dense", "Normalize"
# Of the Transformer; sentence-transformers reads the first that says something.
SETTINGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
MODEL_CONFIG = "config_sentence_transformers.json"  # beside `modules.json`
MODULE_CONFIG = "config.json"
_PACKAGE = "sentence_transformers."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Module:
    """One part.

    Attributes:
      type: its class, as the file says it.
      folder: where its files are, below the folder of `modules.json`.
    """

    type: str
    folder: str

    @property
    def kind(self) -> str | None:
        """The name of a class of sentence-transformers; None for a class from elsewhere."""
        return self.type.rsplit(".", 1)[-1] if self.type.startswith(_PACKAGE) else None

    @property
    def is_transformer(self) -> bool:
        """Whether it holds a model of transformers, also as a class from elsewhere."""
        return self.type.rsplit(".", 1)[-1] == TRANSFORMER


def read(directory: str) -> tuple[Module, ...] | None:
    """Returns the parts in their order; None without a `modules.json`.

    Raises:
      errors.CheckpointError: the file cannot be read, or names a folder outside.
    """
    path = os.path.join(directory, FILE)
    if not os.path.isfile(path):
        return None
    modules = []
    for entry in sidecars.read_json_list(path):
        folder = entry.get("path", "")
        normal = posixpath.normpath(folder) if isinstance(folder, str) else ".."
        if normal.startswith(("/", "..")):
            raise errors.CheckpointError(
                f"{path!r} names the folder {folder!r}; it must be one below its own"
            )
        modules.append(Module(type=str(entry.get("type")), folder="" if normal == "." else normal))
    return tuple(modules)


def folder_of(directory: str) -> str | None:
    """Returns the folder whose `modules.json` names a directory as its Transformer.

    It is the directory itself, or the one above; None if there is none.

    Raises:
      errors.CheckpointError: see `read`.
    """
    directory = os.path.abspath(directory)
    for folder in (directory, os.path.dirname(directory)):
        for module in read(folder) or ():
            path = os.path.normpath(os.path.join(folder, module.folder))
            if module.is_transformer and path == directory:
                return folder
    return None
