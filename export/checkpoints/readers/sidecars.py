"""The config and other JSON files that are beside the weights.

values, path = sidecars.config([directory])
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from configs import albert_config, errors, source_rules, strangers_files

ORIGINAL = "albert_config.json"
HUGGING_FACE = "config.json"  # KerasHub's, too
_OTHER_SUFFIXES = (".json", ".yaml", ".yml")
_LARGEST_CONFIG = 1 << 18  # bytes; a tokenizer.json is larger


def config(
    directories: Sequence[str], *, usual: Sequence[str] = (ORIGINAL, HUGGING_FACE)
) -> tuple[Mapping[str, Any] | None, str | None]:
    """Returns the content of the config in the first directory that has one, and its file.

    Args:
      directories: where to look.
      usual: its usual names. Where there are several that say the same, the first one is taken;
        without any, a file of any name whose content is that of a config.

    Returns:
      None and None without a config.

    Raises:
      errors.ConfigError: the file cannot be read, or there are several that differ.
    """
    for directory in directories:
        paths = [os.path.join(directory, name) for name in usual]
        found = [
            (albert_config.read_file(path), path) for path in paths if os.path.isfile(path)
        ] or _by_content(directory)
        if not found:
            continue
        values, path = found[0]
        if any(_meaning(other) != _meaning(values) for other, _ in found[1:]):
            names = ", ".join(os.path.basename(path) for _, path in found)
            raise errors.ConfigError(
                f"{directory!r} has several configs that say different things ({names}); remove "
                "all but the right one"
            )
        return values, path
    return None, None


def _meaning(values: Mapping[str, Any]) -> albert_config.AlbertConfig | str:
    """Returns what a config says for itself, or why it cannot be used."""
    try:
        return albert_config.from_json(values)
    except errors.ConfigError as error:
        return str(error)


def _by_content(directory: str) -> list[tuple[dict[str, Any], str]]:
    """Returns every file that holds a config of a Transformer."""
    found = []
    for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else ():
        path = os.path.join(directory, name)
        if not name.endswith(_OTHER_SUFFIXES) or not os.path.isfile(path):
            continue
        if os.path.getsize(path) > _LARGEST_CONFIG:
            continue
        try:
            values = albert_config.read_file(path)
        except errors.ConfigError:  # some other file
            continue
        if "hidden_size" in source_rules.plain(values)[0]:
            found.append((values, path))
    return found


def read_json(path: str) -> dict[str, Any]:
    """Returns the JSON object in a file.

    Raises:
      errors.CheckpointError: it cannot be read, or holds anything else.
    """
    values = _read_json(path)
    if not isinstance(values, dict):
        raise errors.CheckpointError(f"{path!r} is not a JSON object")
    return values


def read_json_list(path: str) -> list[dict[str, Any]]:
    """Returns the list of JSON objects in a file.

    Raises:
      errors.CheckpointError: it cannot be read, or holds anything else.
    """
    values = _read_json(path)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise errors.CheckpointError(f"{path!r} is not a list of JSON objects")
    return values


def _read_json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8", opener=strangers_files.opener) as file:
            return strangers_files.parse_json(file.read())
    except (OSError, ValueError) as error:
        raise errors.CheckpointError(f"{path!r} cannot be read: {error}") from error
