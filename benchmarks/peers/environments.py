"""One virtual environment per engine, so that no engine decides another's versions."""

import configparser
import sys

from benchmarks import virtual_environments
from benchmarks.peers import engines

_SETUP_CFG = "setup.cfg"


def make(environment: engines.Environment, *, directory: str, log_dir: str) -> str:
    """Makes an environment unless it exists, and returns its Python.

    Args:
      environment: what to install.
      directory: of all environments.
      log_dir: where pip's output goes.

    Raises:
      errors.InputError: pip fails.
    """
    return virtual_environments.make(
        environment.name,
        python=sys.executable,
        installs=[environment.requirements or _own_requirements()],
        directory=directory,
        log_dir=log_dir,
    )


def _own_requirements() -> list[str]:
    """Returns the toolchain's requirements; the toolchain itself is run from the checkout."""
    parser = configparser.ConfigParser()
    parser.read(_SETUP_CFG)
    lines = parser["options"]["install_requires"].splitlines()
    return [line.replace(" ", "") for line in lines if line and not line.startswith("#")]
