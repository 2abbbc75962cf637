"""model-signing's own command accepts the signatures, and rejects changed files and keys."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from configs import errors
from export.release import signing
from tests.support import processes


def write_keys(folder, private_key=None):
    """Writes a pair of keys and returns their paths, the private one first."""
    private_key = private_key or ec.generate_private_key(ec.SECP256R1())
    paths = folder / "key.pem", folder / "key.pub"
    paths[0].write_bytes(
        private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    paths[1].write_bytes(
        private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return paths


def verify(path, signature_path, public_key):
    """Runs model-signing's command and returns whether it accepts the signature."""
    done = processes.run(
        "model_signing",
        *("verify", "key", path, "--signature", signature_path, "--public_key", public_key),
        cwd=path.parent,
    )
    accepted = "Verification succeeded" in done.stdout
    assert accepted == (done.returncode == 0), done.stderr
    return accepted


@pytest.fixture
def signed(tmp_path):
    """Returns the paths of a file, its signature and the keys."""
    private_key, public_key = write_keys(tmp_path)
    path, signature_path = tmp_path / "1.tar.gz", tmp_path / "1.sig"
    path.write_bytes(b"content")
    signing.Key(str(private_key)).sign(str(path), str(signature_path))
    return path, signature_path, private_key, public_key


def test_its_own_command_accepts_it_and_refuses_what_was_changed(signed):
    path, signature_path, _, public_key = signed
    assert verify(path, signature_path, public_key)
    path.write_bytes(b"Content")
    assert not verify(path, signature_path, public_key)


def test_a_signature_is_of_that_file_and_by_that_key(signed, tmp_path):
    path, signature_path, private_key, _ = signed
    key = signing.Key(str(private_key))
    assert key.has_signed(str(path), str(signature_path))
    (tmp_path / "other").mkdir()
    other, _ = write_keys(tmp_path / "other")
    assert not signing.Key(str(other)).has_signed(str(path), str(signature_path))
    path.write_bytes(b"Content")
    assert not key.has_signed(str(path), str(signature_path))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]"])
def test_what_is_not_a_signature_is_none(signed, content):
    path, signature_path, private_key, _ = signed
    signature_path.write_bytes(content)
    key = signing.Key(str(private_key))
    assert not key.has_signed(str(path), str(signature_path))
    assert not key.has_signed(str(path), str(signature_path) + ".missing")


def _with_unknown_curve(pem):
    """Returns the key with 1.2.840.10045.3.1.18 in the place of P-256, which ends with 7."""
    first, *lines, last = pem.splitlines()
    der = base64.b64decode(b"".join(lines))
    p256 = bytes.fromhex("2a8648ce3d030107")
    assert p256 in der
    return b"\n".join([first, base64.b64encode(der.replace(p256, p256[:-1] + b"\x12")), last])


@pytest.mark.parametrize("kind", ["missing", "text", "public", "ed25519", "secp256k1", "curve"])
def test_what_cannot_sign_is_refused_at_once(tmp_path, kind):
    private_keys = {
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    }
    private_key, public_key = write_keys(tmp_path, private_keys.get(kind))
    path = {"missing": tmp_path / "nowhere", "public": public_key}.get(kind, private_key)
    if kind == "text":
        path.write_text("no key")
    if kind == "curve":  # one that the library does not know
        path.write_bytes(_with_unknown_curve(path.read_bytes()))
    with pytest.raises(errors.ReleaseError, match="must be an elliptic curve key"):
        signing.Key(str(path))


@pytest.mark.parametrize("missing", ["model_signing", "OpenSSL"])
def test_a_library_that_is_not_installed_is_named_with_the_remedy(tmp_path, missing):
    private_key, _ = write_keys(tmp_path)
    done = processes.python(
        "-c",
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from configs import errors\n"
        "from export.release import signing\n"
        f"try: signing.Key({str(private_key)!r})\n"
        "except errors.ReleaseError as error: print(error)",
        cwd=tmp_path,
    )
    assert missing in done.stdout, done.stderr
    assert "pip install 'model-signing>=1.1,<2' 'pyOpenSSL>=24'" in done.stdout
