"""The parts that every checklist of a contract is made of.

Example:
    CHECKS = [check.Check("it has a signature", _has_signature)]
    findings = check.run_checks(CHECKS, hub.load(directory), directory)
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from configs import errors


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check.

    Attributes:
      check: what must hold.
      problem: what does not; None if it holds.
    """

    check: str
    problem: str | None


@dataclasses.dataclass(frozen=True)
class Check:
    """One requirement of the contract.

    Attributes:
      text: the requirement, as reports print it.
      run: takes what `hub.load` returned and the directory; raises `CheckFailed`, or anything that
        using the object raises.
    """

    text: str
    run: Callable[[Any, str], None]


class CheckFailed(Exception):  # noqa: N818, it is a finding and not an error of ours
    """A requirement does not hold; the message says how."""


def require(condition: object, problem: str) -> None:
    """Raises `CheckFailed` unless the condition holds."""
    if not condition:
        raise CheckFailed(problem)


def run_checks(checks: Sequence[Check], module: Any, directory: str) -> list[Finding]:
    """Runs every check, also after one failed, and returns a finding for each."""
    findings = []
    for check in checks:
        problem = None
        try:
            check.run(module, directory)
        except CheckFailed as broken:
            problem = str(broken)
        except Exception as error:  # whatever somebody else's object raises when it is used
            problem = errors.first_line(error)
        findings.append(Finding(check=check.text, problem=problem))
    return findings
