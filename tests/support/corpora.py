"""Runs of `scripts.embed_corpus`, and what they have written.

Example:
    counters = corpora.run("--model", embedder, ..., "--output", "out", cwd=tmp_path)
    ids, vectors = corpora.vectors(tmp_path / "out")
"""

import re

from pyarrow import parquet

from tests.support import processes

MODULE = "scripts.embed_corpus"


def run(*arguments, cwd):
    """Runs the command, which must succeed; returns its counters by name."""
    done = processes.run(MODULE, *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out\n"
    return dict(re.findall(r"^([\w ,:'-]+): ([\d.,]+)$", done.stderr, re.MULTILINE))


def vectors(folder):
    """Returns the ids and the vectors [B, H] below an output folder, by id."""
    table = parquet.read_table(folder / "vectors").sort_by("id")
    flat = table["vector"].combine_chunks().flatten().to_numpy()
    return table["id"].to_pylist(), flat.reshape(table.num_rows, -1)
