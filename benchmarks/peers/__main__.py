"""Compares ALBERT large in every engine, in interleaved rounds, and writes a table and two plots.

Writes <output_dir>/results.md and results.json, docs/benchmark.png and docs/benchmark-summary.png,
and prints the table:

    python -m benchmarks.peers
    python -m benchmarks.peers --only=inference --dtypes=int8 --rounds=1

It takes hours, and up to 15 GB of memory. In parts, each adds to the results of those before:

    python -m benchmarks.peers --only=load
    python -m benchmarks.peers --only=text_1 --reuse

Nothing else should run on the machine. The first run downloads several GB of other engines.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from benchmarks.peers import comparison, engines
from export.cli import runner

_ONLY = flags.DEFINE_string(
    "only",
    "",
    "Comma-separated parts of the names of the work items and engines to run. Default: all. Ours "
    "always run.",
)
_DTYPES = flags.DEFINE_list("dtypes", list(engines.ALL_DTYPES), "Types of the engines to run.")
_REUSE = flags.DEFINE_bool(
    "reuse",
    False,
    "Takes our artifacts of the last run as they are, and adds rounds to its results.",
)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Number of interleaved rounds.", lower_bound=1)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "build/benchmark", "Folder for environments, artifacts and results."
)
_PLOT = flags.DEFINE_string("plot", "docs/benchmark.png", "Path of the plot to write.")


def main() -> None:
    table = comparison.run(
        only=_ONLY.value,
        dtypes=_DTYPES.value,
        reuse=_REUSE.value,
        num_rounds=_ROUNDS.value,
        output_dir=_OUTPUT_DIR.value,
        plot_path=_PLOT.value,
    )
    print(table)


if __name__ == "__main__":
    runner.run(main)
