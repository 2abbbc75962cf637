"""What is wrong with the files of a SavedModel, found before TensorFlow opens any of them.

Example:
    folder_audit.problems("exports/albert_en_large/1")  # [] if nothing is
"""

import os
import stat
from collections.abc import Iterator

from configs import errors
from export.checkpoints.readers import hub_saved_model, tensorflow_checkpoint

# In pieces: C++ prefers it to `saved_model.pb`, which is what was read.
_CHUNKED = "saved_model.cpb"


def problems(directory: str) -> list[str]:
    """Returns a few words for each file that is not a plain one of the folder, or not whole."""
    found = list(_links(directory))
    if os.path.lexists(os.path.join(directory, _CHUNKED)):
        found.append(f"it has a second graph, {_CHUNKED!r}")
    if os.path.lexists(os.path.join(directory, hub_saved_model.VARIABLES + ".index")):
        try:
            tensorflow_checkpoint.read(os.path.join(directory, hub_saved_model.VARIABLES))
        except errors.CheckpointError as error:
            found.append(str(error))
    return found


def _links(directory: str) -> Iterator[str]:
    """Yields what leads out of the folder, or is neither a file nor a folder."""
    root = os.path.realpath(directory)
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, root)
            target = os.path.realpath(path)
            if os.path.islink(path) and os.path.commonpath([root, target]) != root:
                yield f"{shown!r} is a link to {target!r}, out of the folder"
            elif os.path.exists(path) and not _is_plain(path):
                yield f"{shown!r} is not a plain file"


def _is_plain(path: str) -> bool:
    mode = os.stat(path).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
