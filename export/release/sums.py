"""`SHA256SUMS` of a release: the digest of every published file.

    former = sums.read("dist")
    sums.write("dist", former=former, work="dist/.work")

It is what `sha256sum --check SHA256SUMS` reads. Signatures are not in it: each is checked by
checking it, and they alone differ from one release to the next.
"""

import os
from collections.abc import Mapping

from configs import errors
from export import checksums
from export.release import places

FILE = "SHA256SUMS"


def read(output_dir: str) -> dict[str, str]:
    """Returns the digests that the last release wrote, by path; none if there was none."""
    try:
        with open(os.path.join(output_dir, FILE), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return {}
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def write(output_dir: str, *, former: Mapping[str, str], work: str) -> None:
    """Writes the digests of all published files.

    Args:
      output_dir: the release.
      former: what `read` returned.
      work: folder on the same file system to write a file in.

    Raises:
      errors.VerificationError: what never changes was changed since the last release; nothing is
        written then.
    """
    digests = {
        name: checksums.sha256(os.path.join(output_dir, name))
        for name in places.published(output_dir)
        if name != FILE and not name.endswith(places.SIGNATURE)
    }
    changed = [
        name
        for name, digest in digests.items()
        if name.endswith((places.TARBALL, places.STATEMENT)) and former.get(name, digest) != digest
    ]
    if changed:
        raise errors.VerificationError(
            f"changed since the last release, according to {FILE}: {', '.join(changed)}"
        )
    path = os.path.join(work, FILE)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{digest}  {name}\n" for name, digest in digests.items())
    places.put(path, os.path.join(output_dir, FILE))
