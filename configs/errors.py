"""The errors a user can mend.

Every error that bad input can cause derives from `InputError`; its message is written for the user
and stands alone. The commands print it as their last line (`error: ...`) and exit with status 1.
Anything else that is raised is a bug and keeps its traceback.
"""


class InputError(ValueError):
    """Something the user gave cannot be used: the message says what, and what is expected."""


class ConfigError(InputError):
    """A configuration is missing, malformed or inconsistent."""


class VocabularyError(InputError):
    """A SentencePiece model or vocabulary file is missing, malformed or does not fit."""


class CheckpointError(InputError):
    """A checkpoint cannot be read, or is not of a kind that is known."""


class CheckpointMismatchError(CheckpointError):
    """A checkpoint does not fit the model; the message lists every problem."""


class DestinationError(InputError):
    """The place to write to cannot be used."""


class VersionExistsError(DestinationError):
    """The version to write exists already; versions are never overwritten."""


class VerificationError(InputError):
    """An artifact is damaged, or does not do what it must; the message says what."""


class ReleaseError(InputError):
    """A list of models cannot be used, or some of its models cannot be released."""


def first_line(error: Exception) -> str:
    """Returns the kind of an error of a library, and the first line of its message."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def listing(title: str, problems: list[str]) -> str:
    """Returns one line that names every problem: `title: a; b; c`."""
    return f"{title}: " + "; ".join(problems)
