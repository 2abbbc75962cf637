"""One virtual environment per engine, so that no engine decides another's versions."""

import configparser
import os
import subprocess
import sys

from benchmarks import virtual_environments
from benchmarks.peers import engines, failure

_SETUP_CFG = "setup.cfg"


def make(environment: engines.Environment, *, directory: str, log_dir: str) -> str:
    """Makes an environment unless it stands there already, and returns its Python.

    Args:
      environment: what to install.
      directory: of all environments.
      log_dir: where pip's output goes.

    Raises:
      failure.EngineError: pip fails.
    """
    log_path = os.path.join(log_dir, f"pip_{environment.name}.log")
    try:
        return virtual_environments.make(
            os.path.join(directory, environment.name),
            python=sys.executable,
            installs=[environment.requirements or _own_requirements()],
            log_path=log_path,
        )
    except subprocess.CalledProcessError as error:
        raise failure.EngineError(
            f"environment {environment.name} does not install; see {log_path}"
        ) from error


def _own_requirements() -> list[str]:
    """Returns the toolchain's requirements; the toolchain itself is run from the checkout."""
    parser = configparser.ConfigParser()
    parser.read(_SETUP_CFG)
    lines = parser["options"]["install_requires"].splitlines()
    return [line.replace(" ", "") for line in lines if line and not line.startswith("#")]
