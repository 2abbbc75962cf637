"""Exports the artifacts of the matrix with the pinned TensorFlow.

Example:
    artifacts.export("build/portability")
"""

import os
import shutil
import subprocess
import sys

from benchmarks.portability import parts
from export.publishing import subprocesses


def export(folder: str) -> None:
    """Replaces `folder`/artifacts by new exports."""
    root = os.path.join(folder, "artifacts")
    work = os.path.join(folder, "exports")
    for directory in (root, work):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)

    def run(artifact: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments, "--model_name", artifact],
            cwd=work,
            env=subprocesses.environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        directory = os.path.join(root, artifact)
        os.rename(os.path.join(work, done.stdout.strip()), directory)
        return os.path.abspath(directory)

    encoder = run(parts.ENCODER, "export.encoder", "--config", "tiny")
    run(parts.BFLOAT16, "export.encoder", "--config", "tiny", "--compute_dtype", "bfloat16")
    preprocessor = run(parts.PREPROCESSOR, "export.preprocessor")
    inputs = ("--encoder", encoder, "--preprocessor", preprocessor)
    run(parts.EMBEDDER, "export.embedder", *inputs, "--max_seq_length", "32")
    shutil.rmtree(work)
