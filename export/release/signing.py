"""OpenSSF model signatures, by sigstore's `model-signing` with the publisher's own key.

Example:
    key = signing.Key("key.pem")
    key.sign("1.tar.gz", "1.sig")
    key.has_signed("1.tar.gz", "1.sig")

The tarball itself is signed, so that users can check it before they unpack it:

    python -m model_signing verify key 1.tar.gz --signature 1.sig --public_key key.pub
"""

import os
import tempfile
from typing import Any

from configs import errors, strangers_files
from export.release import paths

_INSTALL = "pip install 'model-signing>=1.1,<2' 'pyOpenSSL>=24'"

# What the libraries raise for files that are not such keys, beside errors of their own.
_UNUSABLE = (OSError, ValueError, TypeError, AttributeError)


class Key:
    """A private key on one of NIST's elliptic curves P-256, P-384 and P-521."""

    def __init__(self, path: str) -> None:
        """Reads a PEM file without a password.

        Raises:
          errors.ReleaseError: the file is not such a key, or model-signing is not installed.
        """
        try:
            from cryptography import exceptions
            from cryptography.hazmat.primitives import serialization
            from model_signing import signing, verifying
        except ImportError as error:
            raise errors.ReleaseError(f"--signing_key: {error}: {_INSTALL}") from error
        try:
            with open(path, "rb", opener=strangers_files.opener) as file:
                private_key = serialization.load_pem_private_key(file.read(), None)
            self._signing = signing.Config().use_elliptic_key_signer(private_key=path)
        except (*_UNUSABLE, exceptions.UnsupportedAlgorithm) as error:
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
        """Returns whether the signature exists and is this key's for the file as it is now."""
        if not os.path.isfile(signature_path):
            return False
        try:
            self._verifying.verify(path, signature_path)
        except Exception:  # the library raises many types for damaged signatures
            return False
        return True


def ensure(key: Key, path: str, signature_path: str, *, work: str) -> None:
    """Signs a published file, unless it has a signature by this key.

    Args:
      key: the key.
      path: path of the file.
      signature_path: path of the published signature.
      work: folder for temporary files, on the same file system.
    """
    if not key.has_signed(path, signature_path):
        written = os.path.join(work, signature_path.replace(os.sep, "_"))
        key.sign(path, written)
        paths.publish_file(written, signature_path)


def _verifier(verifying: Any, public_key: bytes) -> Any:
    """Returns model-signing's verifier, which reads the key from a file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(public_key)
        file.flush()
        return verifying.Config().use_elliptic_key_verifier(public_key=file.name)
