"""OpenSSF model signatures, by sigstore's `model-signing` with a key of one's own.

Example:
    key = signature.Key("key.pem")
    key.sign("1.tar.gz", "1.sig")
    key.has_signed("1.tar.gz", "1.sig")

What is signed is the file that is downloaded, so that it can be checked before it is unpacked:

    python -m model_signing verify key 1.tar.gz --signature 1.sig --public_key key.pub
"""

import os
import tempfile
from typing import Any

from configs import errors
from export.release import paths

_INSTALL = "pip install 'albert-hub-export[release]'"


class Key:
    """A private key on one of NIST's elliptic curves P-256, P-384 and P-521."""

    def __init__(self, path: str) -> None:
        """Reads a PEM file without a password.

        Raises:
          errors.ReleaseError: it cannot be read, or model-signing is not installed.
        """
        try:
            from cryptography.hazmat.primitives import serialization
            from model_signing import signing, verifying
        except ImportError as error:
            raise errors.ReleaseError(f"--signing_key: {error}: {_INSTALL}") from error
        try:
            self._signing = signing.Config().use_elliptic_key_signer(private_key=path)
            with open(path, "rb") as file:
                private_key = serialization.load_pem_private_key(file.read(), None)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise errors.ReleaseError(
                f"--signing_key {path!r} must be an elliptic curve key (P-256, P-384, P-521) in a "
                f"PEM file without a password: {error}"
            ) from error
        public_key = private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._verifying = _verifier(verifying, public_key)

    def sign(self, path: str, signature_path: str) -> None:
        """Writes the signature of a file."""
        self._signing.sign(path, signature_path)

    def has_signed(self, path: str, signature_path: str) -> bool:
        """Returns whether there is a signature of that file, as it is now, by this key."""
        if not os.path.exists(signature_path):
            return False
        try:
            self._verifying.verify(path, signature_path)
        except Exception:  # whatever a damaged signature makes the library run into
            return False
        return True


def ensure(key: Key, path: str, signature_path: str, *, work: str) -> None:
    """Signs a file that is published, unless its signature by this key is there.

    Args:
      key: signs.
      path: of the file.
      signature_path: where its signature is published.
      work: folder on the same file system to write a file in.
    """
    if not key.has_signed(path, signature_path):
        written = os.path.join(work, signature_path.replace(os.sep, "_"))
        key.sign(path, written)
        paths.publish_file(written, signature_path)


def _verifier(verifying: Any, public_key: bytes) -> Any:
    """Returns model-signing's verifier, which takes a key as a file only."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(public_key)
        file.flush()
        return verifying.Config().use_elliptic_key_verifier(public_key=file.name)
