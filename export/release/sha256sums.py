"""`SHA256SUMS` of a release: the digest of every published file.

Example:
    sha256sums.check("dist", former=sha256sums.read("dist"))
    sha256sums.write("dist", work="dist/.work")

`sha256sum --check SHA256SUMS` reads it. Signatures are not in it: their bytes differ each time that
a file is signed, and a signature is checked by itself.
"""

import os
from collections.abc import Mapping

from configs import errors, strangers_files
from export.metadata import checksums
from export.release import paths

FILE = "SHA256SUMS"
# Suffixes of files that never change.
_KEPT = (paths.TARBALL, paths.STATEMENT, paths.BILL_OF_MATERIALS, paths.VERIFICATION)


def read(output_dir: str) -> dict[str, str]:
    """Returns the digests of the last release, by path; empty if there was none.

    Raises:
      errors.VerificationError: the file was changed.
    """
    path = os.path.join(output_dir, FILE)
    try:
        with open(path, encoding="utf-8", opener=strangers_files.opener) as file:
            return checksums.parse(file.read())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise errors.VerificationError(f"{path!r} is changed: {error}") from error


def check(output_dir: str, *, former: Mapping[str, str]) -> None:
    """Checks that the tarballs and what is said of them are as in the last release.

    Args:
      output_dir: the release.
      former: the result of `read`.

    Raises:
      errors.VerificationError: a file was changed.
    """
    changed = [
        name
        for name in paths.published(output_dir)
        if name.endswith(_KEPT)
        and name in former
        and checksums.sha256(os.path.join(output_dir, name)) != former[name]
    ]
    if changed:
        title = f"changed since the last release, according to {FILE}"
        raise errors.VerificationError(errors.listing(title, changed))


def write(output_dir: str, *, work: str) -> None:
    """Writes the digests of all published files.

    Args:
      output_dir: the release.
      work: folder for temporary files, on the same file system.
    """
    path = os.path.join(work, FILE)
    with open(path, "w", encoding="utf-8") as file:
        for name in paths.published(output_dir):
            if name != FILE and not name.endswith(paths.SIGNATURE):
                file.write(f"{checksums.sha256(os.path.join(output_dir, name))}  {name}\n")
    paths.publish_file(path, os.path.join(output_dir, FILE))
