"""Fuzzes readers, or repeats what was found.

    python -m tests.fuzzing safetensors torch --count 10000 --seed 0
    python -m tests.fuzzing torch --seed 0 --only 512

Prints counts, and each finding with the command that repeats it; exits with 1 if there are any.
"""

import argparse
import sys

from tests.fuzzing import harness, readers


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzzing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("readers", nargs="*", metavar="reader", help=", ".join(readers.READERS))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    is_bad = False
    for name in options.readers or readers.READERS:
        first, count = (0, options.count) if options.only is None else (options.only, 1)
        report = harness.run(readers.READERS[name], count=count, seed=options.seed, first=first)
        print(f"{name}: {report}", flush=True)
        for finding in report.findings:
            print(finding.encode("ascii", "backslashreplace").decode(), flush=True)
        is_bad |= bool(report.findings)
    sys.exit(is_bad)


if __name__ == "__main__":
    main()
