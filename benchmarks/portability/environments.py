"""The virtual environments of the consumers, one per version of TensorFlow and per converter.

Example:
    environments.make("tf2.13", directory="build/portability/venvs")

TensorFlow's CPU build takes less disk and computes the same. Packages that need TensorFlow require
`tensorflow`, which pip would install over `tensorflow-cpu`, so they are installed without their
requirements.
"""

import dataclasses
import shutil
import subprocess
import sys

from benchmarks import virtual_environments
from configs import errors

# tensorflow-hub imports pkg_resources, which setuptools 81 dropped.
_SETUPTOOLS = "setuptools<81"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """The packages of an environment, and its Python.

    Attributes:
      pythons: versions of Python for which all wheels exist, the preferred one first.
      requirements: packages to install with their requirements.
      alone: packages to install without their requirements.
      npm_packages: packages for node_modules, which is left out where npm is not on PATH.
    """

    pythons: tuple[str, ...]
    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()
    npm_packages: tuple[str, ...] = ()


def _tensorflow(version: str, *, text: str, tf_keras: str) -> Environment:
    return Environment(
        pythons=("3.11", "3.10"),
        requirements=(f"tensorflow-cpu=={version}", _SETUPTOOLS),
        alone=("tensorflow-hub==0.16.1", f"tensorflow-text=={text}", f"tf-keras=={tf_keras}"),
    )


ENVIRONMENTS = {
    "tf2.13": Environment(
        pythons=("3.10",),  # TensorFlow Text 2.13 has no wheel for later versions
        requirements=("tensorflow-cpu==2.13.1", _SETUPTOOLS),
        alone=("tensorflow-hub==0.15.0", "tensorflow-text==2.13.0"),
    ),
    "tf2.15": _tensorflow("2.15.1", text="2.15.0", tf_keras="2.15.1"),
    "tf2.17": _tensorflow("2.17.1", text="2.17.0", tf_keras="2.17.0"),
    # TensorFlow Text 2.19 needs a symbol that the CPU build lacks.
    "tf2.19": Environment(
        pythons=("3.11", "3.10"),
        requirements=("tensorflow==2.19.1", _SETUPTOOLS),
        alone=("tensorflow-hub==0.16.1", "tensorflow-text==2.19.0", "tf-keras==2.19.0"),
    ),
    "onnx": Environment(
        pythons=("3.11", "3.10"),
        requirements=("tensorflow-cpu==2.21.0", "tf2onnx==1.17.0", "onnxruntime==1.23.2"),
    ),
    "tensorflow_js": Environment(
        pythons=("3.11", "3.10"),
        requirements=(
            "tensorflowjs==4.22.0",
            "tensorflow-decision-forests==1.12.0",  # brings TensorFlow 2.19.0
            "ydf==0.12.0",  # later ones need protobuf 6, which TensorFlow 2.19 refuses
            "jax==0.6.2",  # the last one for Python 3.10; the converter imports its jax2tf
            _SETUPTOOLS,
        ),
        npm_packages=(
            "@tensorflow/tfjs@4.22.0",
            "@tensorflow/tfjs-backend-wasm@4.22.0",
            # For the pages of docs/how-to/browser.md.
            "onnxruntime-web@1.30.0",
            "@huggingface/tokenizers@0.2.0",
        ),
    ),
    "openvino": Environment(pythons=("3.12", "3.11", "3.10"), requirements=("openvino==2026.4.1",)),
}


def make(name: str, *, directory: str) -> str:
    """Makes an environment unless it exists, and returns its Python.

    Args:
      name: key of `ENVIRONMENTS`.
      directory: the folder of all environments.

    Raises:
      errors.InputError: no Python on PATH has a wanted version, or pip or npm fails.
    """
    environment = ENVIRONMENTS[name]
    installs = [environment.requirements]
    if environment.alone:
        installs.append(("--no-deps", *environment.alone))
    python = _find(environment.pythons)
    return virtual_environments.make(
        name,
        python=python,
        installs=installs,
        npm_packages=environment.npm_packages if shutil.which("npm") else (),
        directory=directory,
        log_dir=directory,
    )


def _find(versions: tuple[str, ...]) -> str:
    """Returns a Python of the first of these versions that this one or one on PATH has."""
    for version in versions:
        for candidate in (sys.executable, f"python{version}"):
            path = shutil.which(candidate)
            # Run it, because a program on PATH may be a switch to a Python that is not installed.
            if path and _version(path) == version:
                return path
    names = " or ".join(f"python{version}" for version in versions)
    raise errors.InputError(f"{names} with venv is needed, and none on PATH runs")


def _version(python: str) -> str:
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
