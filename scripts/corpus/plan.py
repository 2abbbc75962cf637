"""What a run does: which parts of which files make each shard, and which shards are done.

The plan follows from the input's paths and sizes alone. It is written to `plan.json` in the output
folder; a later run with the same output must have the same plan, and skips the shards that are
there.
"""

import dataclasses
import hashlib
import json
from typing import Any

from configs import errors
from export.metadata import checksums, manifest
from scripts.corpus import embedding, records, storage

FILE = "plan.json"

# Suffixes by which storage and tools recognise what cannot be read from the middle.
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lzma", ".zip")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """All that the content of the output depends on.

    Attributes:
      source: how records are read.
      num_shards: number of shards.
      embedder: digest of the embedder's files.
      files: path, size in bytes and time of the last change of every input file.
    """

    source: records.Source
    num_shards: int
    embedder: str
    files: list[tuple[str, int, float]]

    def shards(self) -> list[embedding.Shard]:
        """Cuts the input, one file after the other, into shards of the same number of bytes."""
        total = sum(size for _, size, _ in self.files)
        shards: list[embedding.Shard] = [(number, []) for number in range(self.num_shards)]
        offset = 0
        for path, size, _ in self.files:
            start = 0
            while start < size:
                # Shard `number` holds the bytes from total * number // num_shards on.
                number = ((offset + start + 1) * self.num_shards - 1) // total
                stop = min(total * (number + 1) // self.num_shards - offset, size)
                shards[number][1].append((path, start, stop))
                start = stop
            offset += size
        return shards

    def content(self) -> dict[str, Any]:
        """Returns the plan as JSON values."""
        content = {**dataclasses.asdict(self), "source": self.source._asdict()}
        return json.loads(json.dumps(content))  # lists in place of tuples


def make(
    patterns: list[str], *, source: records.Source, num_shards: int, embedder: dict[str, Any]
) -> Plan:
    """Finds the input and makes the plan.

    Args:
      patterns: globs of the input files.
      source: how records are read.
      num_shards: number of shards.
      embedder: its facts, of `embedder_facts`.

    Raises:
      errors.InputError: a pattern matches nothing, or a file is compressed.
    """
    files = {}
    for pattern in patterns:
        matches = storage.matching(pattern)
        if not matches:
            raise errors.InputError(f"--input {pattern!r} matches no file")
        for file in matches:
            changed = file.last_updated_in_seconds or 0.0
            files[file.path] = (file.path, file.size_in_bytes, changed)
    compressed = [path for path in sorted(files) if path.endswith(_COMPRESSED)]
    if compressed:
        raise errors.InputError(
            f"compressed files cannot be cut into shards, decompress {', '.join(compressed)}"
        )
    return Plan(
        source=source,
        num_shards=num_shards,
        embedder=embedder["digest"],
        files=[files[path] for path in sorted(files)],
    )


def embedder_facts(folder: str) -> dict[str, Any]:
    """Returns the manifest of an embedder and, as `digest`, what tells its files from others'.

    Raises:
      errors.InputError: it is none, or a file is not what was exported.
    """
    if not folder or not storage.exists(folder, manifest.FILE):
        raise errors.InputError(f"--embedder must be the folder of an embedder, got {folder!r}")
    with storage.reading(storage.path(folder, manifest.FILE)) as file:
        facts = json.load(file)
    if facts.get("artifact") != manifest.EMBEDDER or not storage.exists(folder, checksums.FILE):
        raise errors.InputError(
            f"--embedder must be what python -m export.embedder wrote, got {folder!r}, "
            f"an artifact of kind {facts.get('artifact')!r}"
        )
    with storage.reading(storage.path(folder, checksums.FILE)) as file:
        listed = file.read()
    try:
        digests = checksums.parse(listed.decode())
    except ValueError as error:
        raise errors.InputError(f"--embedder {folder!r}: {checksums.FILE} is changed") from error
    for name, digest in digests.items():
        if not storage.exists(folder, name):
            raise errors.InputError(f"--embedder {folder!r}: {name} is missing")
        with storage.reading(storage.path(folder, name)) as file:
            if checksums.sha256_of_stream(file) != digest:
                raise errors.InputError(f"--embedder {folder!r}: {name} is changed")
    return {**facts, "digest": hashlib.sha256(listed).hexdigest()}


def begin(plan: Plan, output: str) -> list[embedding.Shard]:
    """Writes the plan into the output folder, or finds it there; returns what is left to do.

    Raises:
      errors.DestinationError: the folder holds something else, or was begun by another plan.
    """
    if not storage.exists(output, FILE):
        others = [file.path for file in storage.matching(storage.path(output, "**"))]
        # A run that was killed before it wrote its plan left no more than this.
        temporary = storage.path(output, storage.TEMPORARY)
        if any(not path.startswith(temporary) for path in others):
            raise errors.DestinationError(
                f"--output must be a new folder, or one that this command began, got {output!r}"
            )
        with storage.published(output, FILE) as file:
            file.write(json.dumps(plan.content(), indent=2).encode() + b"\n")
    with storage.reading(storage.path(output, FILE)) as file:
        begun, asked = json.load(file), plan.content()
    different = [name for name in asked if asked[name] != begun.get(name)]
    if different:
        raise errors.DestinationError(
            f"{output!r} was begun with other values of {', '.join(different)}: "
            f"see {FILE} there, or give another --output"
        )
    done = {file.path for file in storage.matching(storage.path(output, "vectors/*"))}
    return [
        shard
        for shard in plan.shards()
        if storage.path(output, embedding.vectors_name(shard[0], plan.num_shards)) not in done
    ]
