"""The progress of a run, from the shards that have appeared: the same for every runner.

Example:
    progress = Progress(settings, missing, log=runner.log)
    with progress.watching():
        pipeline.run(missing, settings, options)
    progress.update()
    progress.counters  # of all shards of the run
"""

import collections
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from scripts.corpus import plan, shards, storage

_SECONDS = 10.0  # between two looks, and two lines at least


class Progress:
    """Reads the counters of shards as they are published.

    Attributes:
      counters: sums over the shards of this run that are published, by name.
      missing: paths of the others.
    """

    def __init__(
        self,
        settings: shards.Settings,
        missing: Sequence[shards.Shard],
        *,
        log: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._log = log
        task = settings.model.task
        names = (shards.file_name(task, number, settings.num_shards) for number, _ in missing)
        self.missing = {storage.path(settings.output, name) for name in names}
        self.counters: collections.Counter[str] = collections.Counter()
        self._total = len(self.missing)
        self._start = time.monotonic()
        self._looks = 0  # since the last line
        self._most_looks = 1  # without a line

    @property
    def num_published(self) -> int:
        """Returns the number of shards that this run has published."""
        return self._total - len(self.missing)

    def update(self) -> bool:
        """Reads the shards that have appeared; returns whether there are any."""
        done = plan.published(self._settings.output, task=self._settings.model.task)
        appeared = self.missing & done
        for path in appeared:
            with storage.reading(path) as file:
                self.counters.update(shards.counters_of(file))
            self.missing.remove(path)
        return bool(appeared)

    def line(self, seconds: float) -> str:
        """Returns what is done after `seconds`, and the rate."""
        number = self.counters[shards.RECORDS]
        return (
            f"{self.num_published:,} of {self._total:,} shards, {number:,} records, "
            f"{number / seconds:,.0f} a second"
        )

    def look(self) -> None:
        """Logs a line if shards have appeared; if none have, at ever longer intervals."""
        self._looks += 1
        appeared = self.update()
        if appeared or self._looks == self._most_looks:
            self._log(self.line(time.monotonic() - self._start))
            self._looks, self._most_looks = 0, 1 if appeared else 2 * self._most_looks

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Logs a line now and then, in a thread, until the block ends."""
        self._log(f"{self._total:,} shards to do; the workers start and load the model")
        end = threading.Event()
        thread = threading.Thread(target=self._watch, args=(end,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def _watch(self, end: threading.Event) -> None:
        while not end.wait(_SECONDS):
            with contextlib.suppress(OSError):  # storage that fails now and then
                self.look()
