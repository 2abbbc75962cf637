"""The virtual environments of the consumers, one for each version of TensorFlow or each converter.

Example:
    environments.make(environments.ENVIRONMENTS["tf2.13"], directory="build/portability/venvs")

TensorFlow is its CPU build, which takes less disk and computes the same. What builds on it asks for
the package by its other name, which would be a second TensorFlow over the first: so it is installed
without what it asks for.
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
    """What pip installs, and for which Python.

    Attributes:
      pythons: versions of Python that every wheel exists for, the preferred one first.
      requirements: with all that they require.
      alone: without what they require.
    """

    pythons: tuple[str, ...]
    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()


def _tensorflow(version: str, *, text: str, tf_keras: str) -> Environment:
    return Environment(
        pythons=("3.11", "3.10"),
        requirements=(f"tensorflow-cpu=={version}", _SETUPTOOLS),
        alone=("tensorflow-hub==0.16.1", f"tensorflow-text=={text}", f"tf-keras=={tf_keras}"),
    )


ENVIRONMENTS = {
    "tf2.13": Environment(
        pythons=("3.10",),  # TensorFlow Text 2.13 has no wheel for a later one
        requirements=("tensorflow-cpu==2.13.1", _SETUPTOOLS),
        alone=("tensorflow-hub==0.15.0", "tensorflow-text==2.13.0"),
    ),
    "tf2.15": _tensorflow("2.15.1", text="2.15.0", tf_keras="2.15.1"),
    "tf2.17": _tensorflow("2.17.1", text="2.17.0", tf_keras="2.17.0"),
    # Not the CPU build: TensorFlow Text 2.19 misses a symbol in it.
    "tf2.19": Environment(
        pythons=("3.11", "3.10"),
        requirements=("tensorflow==2.19.1", _SETUPTOOLS),
        alone=("tensorflow-hub==0.16.1", "tensorflow-text==2.19.0", "tf-keras==2.19.0"),
    ),
    "onnx": Environment(
        pythons=("3.11", "3.10"),
        requirements=("tensorflow-cpu==2.21.0", "tf2onnx==1.17.0", "onnxruntime==1.23.2"),
    ),
    "openvino": Environment(
        pythons=("3.12", "3.11", "3.10"),
        requirements=("openvino==2026.4.1",),
    ),
}


def make(name: str, *, directory: str) -> str:
    """Makes an environment unless it exists, and returns its Python.

    Args:
      name: key of `ENVIRONMENTS`.
      directory: of all environments.

    Raises:
      errors.InputError: no Python on PATH suits, or pip fails.
    """
    environment = ENVIRONMENTS[name]
    installs = [environment.requirements]
    if environment.alone:
        installs.append(("--no-deps", *environment.alone))
    python = _find(environment.pythons)
    return virtual_environments.make(
        name, python=python, installs=installs, directory=directory, log_dir=directory
    )


def _find(versions: tuple[str, ...]) -> str:
    """Returns the first Python that is one of these versions: this one, or one on PATH."""
    for version in versions:
        for candidate in (sys.executable, f"python{version}"):
            path = shutil.which(candidate)
            # Asked, because what stands on PATH may be a switch to one that is not there.
            if path and _version(path) == version:
                return path
    names = " or ".join(f"python{version}" for version in versions)
    raise errors.InputError(f"{names} with venv is needed, and none on PATH runs")


def _version(python: str) -> str:
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
