"""The flag of the commands that load SavedModels of others: --trust.

A command makes it its own with `flags.adopt_module_key_flags(trust_flag)`, and its `main` is
decorated with `@trust_flag.applied()`.
"""

import contextlib
from collections.abc import Iterator

from absl import flags

from export.cli import runner
from export.saved_models import loading

TRUST = flags.DEFINE_bool(
    "trust",
    False,
    "Whether to load SavedModels without reading their graphs and files first. A SavedModel is a "
    "program: it may read and write whatever you may.",
)


@contextlib.contextmanager
def applied() -> Iterator[None]:
    """Within it SavedModels are loaded as the flag says; stderr says if they are not read first."""
    if TRUST.value:
        runner.log("--trust: SavedModels are run without reading their graphs first")
    with loading.trusting(TRUST.value):
        yield
