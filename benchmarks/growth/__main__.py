"""Measures how time and memory grow, and writes the page and a picture of it.

Each point is a new process. Results are kept in <output_dir>/results.json, so that curves can be
measured one after the other; the page has all that were measured:

    python -m benchmarks.growth
    python -m benchmarks.growth --only=length,shapes --most=1000

Nothing else should run on the machine. The largest size and the largest corpus take longest.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from benchmarks.growth import curves, measuring
from export.cli import runner

_ONLY = flags.DEFINE_list(
    "only", [], f"Names of the curves: {', '.join(curves.CURVES)}. Default: all."
)
_MOST = flags.DEFINE_integer(
    "most", 1_000_000, "Leaves out points beyond this number, such as large corpora.", lower_bound=1
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "build/growth", "Folder for artifacts, inputs and results."
)
_PAGE = flags.DEFINE_string("page", "docs/measurements/growth.md", "Path of the page to write.")
_PLOT = flags.DEFINE_string("plot", "docs/growth.png", "Path of the picture to write.")


def main() -> None:
    print(
        measuring.run(
            only=_ONLY.value,
            most=_MOST.value,
            output_dir=_OUTPUT_DIR.value,
            page_path=_PAGE.value,
            plot_path=_PLOT.value,
        )
    )


if __name__ == "__main__":
    runner.run(main)
