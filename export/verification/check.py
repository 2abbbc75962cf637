"""Checks of a contract, and running a list of them.

Example:
    CHECKS = [check.Check("it has a signature", _has_signature)]
    findings = check.run_checks(CHECKS, hub.load(directory), directory)
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from configs import errors
from export.saved_models import bytecode


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check.

    Attributes:
      check: the requirement.
      problem: why the check failed; None if it passed.
    """

    check: str
    problem: str | None


@dataclasses.dataclass(frozen=True)
class Check:
    """One requirement of the contract.

    Attributes:
      text: the requirement, as reports print it.
      run: takes the object from `hub.load` and its directory. Raises `CheckFailed`, or whatever
        using the object raises, if the requirement does not hold.
    """

    text: str
    run: Callable[[Any, str], None]


class CheckFailed(Exception):  # noqa: N818, the artifact is at fault, not this program
    """Raised if a requirement does not hold; the message says why."""


def require(condition: object, problem: str) -> None:
    """Raises `CheckFailed` unless the condition holds."""
    if not condition:
        raise CheckFailed(problem)


def run_checks(checks: Sequence[Check], module: Any, directory: str) -> list[Finding]:
    """Runs all checks, also after a failure, and returns a finding for each."""
    findings = []
    for check in checks:
        problem = None
        try:
            with bytecode.not_written():
                check.run(module, directory)
        except CheckFailed as failure:
            problem = str(failure)
        except Exception as error:  # an artifact that breaks the contract may raise anything
            problem = errors.first_line(error)
        findings.append(Finding(check=check.text, problem=problem))
    return findings
