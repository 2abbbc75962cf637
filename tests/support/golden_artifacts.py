"""Exports the golden models; each export happens once per test run, on first use.

Example:
    directory = golden_artifacts.directory("tiny", golden_root)
"""

import functools
import pathlib

from export.artifacts import encoder_artifact, encoder_spec, tokenizer_choice
from export.metadata import finalize
from tests.support import golden, shared_run


@functools.cache
def directory(name: str, golden_root: pathlib.Path, source: str = "tf1") -> str:
    """Returns the directory of a golden model's encoder, exported from one of its sources."""
    root = golden_root / name
    return str(shared_run.once(f"golden/{name}/{source}", lambda path: _write(path, root, source)))


def _write(path: pathlib.Path, root: pathlib.Path, source: str) -> pathlib.Path:
    has_all = source.startswith("tf1") or source == "hf"
    spec = encoder_spec.from_checkpoint(
        str(root / source),
        checkpoint_format=None,
        config=None if has_all else str(root / "tf1" / "albert_config.json"),
        overrides={},
        tokenizer=tokenizer_choice.Request(sp_model_file=str(golden.VOCABULARY)),
        mlm=True,
    )
    encoder_artifact.write(str(path), spec=spec, compute_dtype="float32")
    finalize.finalize(str(path), serving_warmup=False)
    return path
