"""`assets.extra/SHA256SUMS`: the digest of every other file of an artifact.

Example:
    checksums.write("exports/albert_en_large/1")
    checksums.problems("exports/albert_en_large/1")  # [] while nothing was changed

TensorFlow Hub checks nothing when it downloads or loads: a flipped bit in an asset or a weight
loads silently. `sha256sum` reads the format too:

    cd exports/albert_en_large/1 && sha256sum --check assets.extra/SHA256SUMS
"""

import hashlib
import os
import re
import stat
from typing import IO

from configs import strangers_files

FILE = "assets.extra/SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def write(directory: str) -> None:
    """Writes the digests of the files in `directory`, the root of an artifact."""
    path = os.path.join(directory, FILE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(_text(_digests(directory)))


def digest(directory: str) -> str:
    """Returns one digest of an artifact: that of the list which `write` writes, or would write."""
    return hashlib.sha256(_text(_digests(directory)).encode()).hexdigest()


def recorded_digest(directory: str) -> str | None:
    """Returns the digest of the list in an artifact, without reading its files; None without."""
    path = os.path.join(directory, FILE)
    return sha256(path) if os.path.isfile(path) else None


def exists(directory: str) -> bool:
    """Returns whether the artifact in `directory` has a list of digests."""
    return os.path.lexists(os.path.join(directory, FILE))


def problems(directory: str) -> list[str]:
    """Returns a few words for each file that changed since `write`; empty if none did."""
    try:
        with open(
            os.path.join(directory, FILE),
            encoding="utf-8",
            newline="",
            opener=strangers_files.opener,
        ) as file:
            text = file.read()
        listed = parse(text)
    except FileNotFoundError:
        return [f"{FILE} is missing"]
    except (OSError, ValueError):
        return [f"{FILE} is changed"]
    found = _digests(directory)
    differences = [f"{name} is missing" for name in sorted(listed.keys() - found.keys())]
    differences += [f"{name} is additional" for name in sorted(found.keys() - listed.keys())]
    differences += [
        f"{name} is changed"
        for name in sorted(listed.keys() & found.keys())
        if listed[name] != found[name]
    ]
    # The parser is lenient: require the very bytes that `write` would write.
    if not differences and text != _text(found):
        differences.append(f"{FILE} is changed")
    return differences


def parse(text: str) -> dict[str, str]:
    """Returns the digests in a list in `sha256sum`'s format, by path.

    Raises:
      ValueError: a line is not a digest and a path, or a path is listed twice.
    """
    lines = text.splitlines()
    found = {match[2]: match[1] for match in map(_LINE.fullmatch, lines) if match}
    if len(found) != len(lines):
        raise ValueError("not in the format of sha256sum")
    return found


def _text(digests: dict[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def _digests(directory: str) -> dict[str, str]:
    """Returns the digests of all files but `FILE`, by `/`-separated path from the root."""
    digests = {}
    for folder, subfolders, names in os.walk(directory):
        # No exporter writes a link to a folder: list it, so that it counts as additional.
        links = [name for name in subfolders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, directory).replace(os.sep, "/")
            if relative != FILE:
                is_plain = stat.S_ISREG(os.lstat(path).st_mode)
                digests[relative] = sha256(path) if is_plain else "not a plain file"
    return digests


def sha256(path: str) -> str:
    """Returns the digest of a file, in hexadecimal digits."""
    with open(path, "rb", opener=strangers_files.opener) as file:
        return sha256_of_stream(file)


def sha256_of_stream(file: IO[bytes]) -> str:
    """Returns the digest of the rest of `file`, in hexadecimal digits."""
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
