"""Makes a virtual environment per engine, because their versions conflict."""

import configparser
import sys

from benchmarks import virtual_environments
from benchmarks.peers import setups

_SETUP_CFG = "setup.cfg"
_EXTRAS = ("onnx", "openvino", "litert")  # of export.convert


def make(environment: setups.Environment, *, directory: str, log_dir: str) -> str:
    """Makes an environment unless it exists, and returns its Python.

    Args:
      environment: name and requirements.
      directory: the folder of all environments.
      log_dir: the folder for pip's output.

    Raises:
      errors.InputError: pip fails.
    """
    given = environment.requirements
    return virtual_environments.make(
        environment.name,
        python=sys.executable,
        installs=[_own_requirements() if given is None else given.split()],
        directory=directory,
        log_dir=log_dir,
    )


def _own_requirements() -> list[str]:
    """Returns the toolchain's requirements; the toolchain itself runs from the checkout."""
    parser = configparser.ConfigParser()
    parser.read(_SETUP_CFG)
    given = [parser["options"]["install_requires"]]
    given += [parser["options.extras_require"][extra] for extra in _EXTRAS]
    lines = [line for text in given for line in text.splitlines()]
    return [line.replace(" ", "") for line in lines if line and not line.startswith("#")]
