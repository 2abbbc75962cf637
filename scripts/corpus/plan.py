"""The plan of a run: the ranges of files that make each shard, and the shards that are done.

The plan depends only on the input's paths and sizes. It is written to `plan.json` in the output
folder. A later run with the same output must have the same plan, and skips complete shards.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from configs import errors, strangers_files
from export.checkpoints.readers import hub_saved_model
from export.metadata import checksums, manifest
from export.saved_models import loading
from scripts.corpus import models, records, shards, storage

FILE = "plan.json"
_ONEDNN = "onednn"  # in it, but no part of the plan: a run that goes on keeps what it began with

# Suffixes of files that cannot be read from the middle.
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lzma", ".zip")
# Usual suffixes of files by format, for examples.
_SUFFIXES = {records.TEXT: "txt", records.JSON_LINES: "jsonl", records.PARQUET: "parquet"}
_PATTERN_CHARACTERS = "*?["


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that determines the content of the output.

    Attributes:
      read_options: see `records.ReadOptions`.
      num_shards: number of shards.
      model: digest of the model's files.
      files: path, size in bytes and modification time of every input file.
    """

    read_options: records.ReadOptions
    num_shards: int
    model: str
    files: list[tuple[str, int, float]]

    def shards(self) -> list[shards.Shard]:
        """Splits the concatenated input files into shards of equal size."""
        total = sum(size for _, size, _ in self.files)
        found: list[shards.Shard] = [(number, []) for number in range(self.num_shards)]
        offset = 0
        for path, size, _ in self.files:
            start = 0
            while start < size:
                # Shard `number` holds the bytes from total * number // num_shards on.
                number = ((offset + start + 1) * self.num_shards - 1) // total
                stop = min(total * (number + 1) // self.num_shards - offset, size)
                found[number][1].append((path, start, stop))
                start = stop
            offset += size
            if not size and self.read_options.input_format == records.PARQUET:
                found[0][1].append((path, 0, 0))  # a damaged file, whose reader says so
        return found

    def content(self) -> dict[str, Any]:
        """Returns the plan as JSON values."""
        content = {"source": self.read_options._asdict(), **dataclasses.asdict(self)}
        del content["read_options"]
        return json.loads(json.dumps(content))  # tuples become lists


def make(
    patterns: list[str],
    *,
    read_options: records.ReadOptions,
    num_shards: int,
    model: dict[str, Any],
) -> Plan:
    """Finds the input and makes the plan.

    Args:
      patterns: globs of the input files.
      read_options: see `records.ReadOptions`.
      num_shards: number of shards.
      model: result of `read_model`.

    Raises:
      errors.InputError: a pattern matches nothing, a folder or a pipe, or a file is compressed.
    """
    files = {}
    for pattern in patterns:
        matches = storage.matching(pattern)
        if not matches:
            raise errors.InputError(f"--input {pattern!r} matches no file")
        for file in matches:
            _check_plain(file.path, pattern, read_options.input_format)
            changed = file.last_updated_in_seconds or 0.0
            files[file.path] = (file.path, file.size_in_bytes, changed)
    compressed = [path for path in sorted(files) if path.endswith(_COMPRESSED)]
    if compressed:
        raise errors.InputError(
            f"compressed files cannot be split into shards; decompress {', '.join(compressed)}"
        )
    return Plan(
        read_options=read_options,
        num_shards=num_shards,
        model=model["digest"],
        files=[files[path] for path in sorted(files)],
    )


def _check_plain(path: str, pattern: str, input_format: str) -> None:
    if os.path.isdir(path):
        example = os.path.join(pattern, f"*.{_SUFFIXES[input_format]}")
        raise errors.InputError(
            f"--input {pattern!r} is a folder; give a pattern of its files, such as {example!r}"
        )
    if os.path.exists(path) and not os.path.isfile(path):  # not those of an object store
        raise errors.InputError(f"--input {pattern!r} matches {path!r}, which is not a plain file")


def read_model(folder: str) -> dict[str, Any]:
    """Checks a model; returns its manifest, with `task` and the digest of its files, `digest`.

    Raises:
      errors.InputError: the folder is not that of a text model, or a file was changed.
    """
    if not folder or not storage.exists(folder, manifest.FILE):
        raise errors.InputError(f"--model must be the folder of a text model, got {folder!r}")
    with storage.reading(storage.path(folder, manifest.FILE)) as file:
        entries = manifest.parse(file.read(), path=storage.path(folder, manifest.FILE))
    is_embedder = entries.get("artifact") == manifest.EMBEDDER
    task = models.EMBED if is_embedder else entries.get("task")
    if task not in models.FOLDERS or not storage.exists(folder, checksums.FILE):
        raise errors.InputError(
            "--model must be a folder written by python -m export.text_model --task "
            f"{'|'.join(models.FOLDERS)} or export.embedder, got {folder!r}, an artifact of kind "
            f"{entries.get('artifact')!r}" + (f" for {task}" if task else "")
        )
    if entries.get("max_seq_length", 0) < 1:
        raise errors.InputError(
            f"--model {folder!r}: max_seq_length must be a positive number in {manifest.FILE}, got "
            f"{entries.get('max_seq_length')}"
        )
    with storage.reading(storage.path(folder, checksums.FILE)) as file:
        listed = file.read()
    try:
        digests = checksums.parse(listed.decode())
    except ValueError as error:
        raise errors.InputError(f"--model {folder!r}: {checksums.FILE} is changed") from error
    for name, digest in digests.items():
        if not storage.exists(folder, name):
            raise errors.InputError(f"--model {folder!r}: {name} is missing")
        with storage.reading(storage.path(folder, name)) as file:
            if checksums.sha256_of_stream(file) != digest:
                raise errors.InputError(f"--model {folder!r}: {name} is changed")
    return {**entries, "task": task, "digest": hashlib.sha256(listed).hexdigest()}


def audit(folder: str) -> None:
    """Reads the graph of a model, which workers run: they do not have this project.

    Raises:
      errors.UnsafeModelError: it may do more than compute.
    """
    if os.path.isdir(folder):
        loading.audit(folder)
    else:
        with storage.reading(storage.path(folder, hub_saved_model.FILE)) as file:
            loading.audit_content(file.read(), location=folder)


def long_texts(model: Mapping[str, Any], *, asked: str | None) -> str:
    """Returns what a model does with texts that are too long for it.

    Args:
      model: result of `read_model`.
      asked: what the user wants, "cut", "mean" or "max"; None for whatever it does.

    Raises:
      errors.InputError: the user wants something else. It is a part of the model's graph.
    """
    task = model["task"]
    otherwise = models.WINDOWS if task == models.ANSWER else models.CUT
    found = str(model.get("long_texts", otherwise))
    if asked in (None, found):
        return found
    if task != models.EMBED:
        raise errors.InputError(f"--long_texts={asked} is for vectors, got a model to {task}")
    normalize = "--normalize " if model.get("normalize") else ""
    raise errors.InputError(
        f"--long_texts={asked} must be how the embedder was exported, which is {found}: export one "
        "with python -m export.text_model --encoder ENCODER --preprocessor PREPROCESSOR "
        f"--model_name NAME --task embed --pooling {model.get('pooling')} {normalize}"
        f"--max_seq_length {model['max_seq_length']} --long_texts {asked}"
    )


def check_pairs(task: str, options: records.ReadOptions) -> None:
    """Checks that records have as many texts as the model takes.

    Raises:
      errors.InputError: they have not.
    """
    if task == models.ANSWER:
        if bool(options.pair) == bool(options.pair_field):
            raise errors.InputError("a model to answer needs --question or --pair_field")
    elif options.pair:
        raise errors.InputError(f"--question is for models to answer, got one to {task}")
    elif options.pair_field and task != models.CLASSIFY:
        raise errors.InputError(
            f"--pair_field is for models to classify or answer, got one to {task}"
        )


def check_output(plan: Plan, output: str) -> None:
    """Checks, without writing, that a run can begin or go on in an output folder.

    Raises:
      errors.DestinationError: the folder has other files, or was begun with another plan, or its
        name is a pattern.
    """
    if any(character in output for character in _PATTERN_CHARACTERS):
        raise errors.DestinationError(
            f"--output must not have any of {' '.join(_PATTERN_CHARACTERS)}, of which Beam makes "
            f"patterns, got {output!r}"
        )
    begun = _begun(output)
    if begun is None:
        others = [file.path for file in storage.matching(storage.path(output, "**"))]
        # A run that was killed before it wrote its plan leaves only temporary files.
        temporary = storage.path(output, storage.TEMPORARY)
        if any(not path.startswith(temporary) for path in others):
            raise errors.DestinationError(
                f"--output must be a new folder, or one that this command began, got {output!r}"
            )
        return
    asked = plan.content()
    different = [name for name in asked if asked[name] != begun.get(name)]
    if different:
        raise errors.DestinationError(
            f"{output!r} was begun with other values of {', '.join(different)}: "
            f"see {FILE} there, or give another --output"
        )


def onednn_of(output: str) -> str | None:
    """Returns the `models.Settings.onednn` that an output was begun with; None for a new one."""
    begun = _begun(output)
    return None if begun is None else str(begun.get(_ONEDNN, ""))


def _begun(output: str) -> dict[str, Any] | None:
    """Returns what is in the plan of an output folder; None for a new one."""
    if not storage.exists(output, FILE):
        return None
    path = storage.path(output, FILE)
    try:
        with storage.reading(path) as file:
            content = strangers_files.parse_json(file.read())
    except ValueError as error:
        raise _not_a_plan(path, str(error)) from error
    if not isinstance(content, dict):
        raise _not_a_plan(path, "it is not a JSON object")
    return content


def _not_a_plan(path: str, reason: str) -> errors.DestinationError:
    return errors.DestinationError(
        f"{path!r} is not the plan of a run ({reason}): give another --output, or remove the "
        "folder if this command began it"
    )


def begin(plan: Plan, output: str, *, model: models.Settings) -> list[shards.Shard]:
    """Writes the plan into a checked output folder, unless it is there; returns what is missing."""
    task = model.task
    if not storage.exists(output, FILE):
        content = {**plan.content(), _ONEDNN: model.onednn}
        with storage.published(output, FILE) as file:
            file.write(json.dumps(content, indent=2).encode() + b"\n")
    done = published(output, task=task)
    return [
        shard
        for shard in plan.shards()
        if storage.path(output, shards.file_name(task, shard[0], plan.num_shards)) not in done
    ]


def published(output: str, *, task: str) -> set[str]:
    """Returns the paths of the complete shards."""
    return {
        file.path for file in storage.matching(storage.path(output, f"{models.FOLDERS[task]}/*"))
    }
