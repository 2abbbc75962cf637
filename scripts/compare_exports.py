"""Exports the same models at two commits, and compares every byte.

    python scripts/compare_exports.py --before HEAD~1
    python scripts/compare_exports.py --before HEAD~20 --models tiny,golden

It compares `saved_model.pb`, `variables/`, the assets, and the manifests except for the versions of
packages. Use it after a change that must not change exports.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from absl import flags

from configs import errors
from export.cli import runner

_BEFORE = flags.DEFINE_string("before", None, "Commit to compare with.", required=True)
_MODELS = flags.DEFINE_list(
    "models", ["tiny", "base", "large", "golden"], "Sizes, and `golden` for the test checkpoints."
)

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_GOLDEN = _ROOT / "tests" / "testdata" / "golden"
_VOCABULARY = _GOLDEN / "tiny" / "tf1" / "30k-clean.model"
_GOLDEN_SOURCES = (
    "tiny/tf1/model.ckpt-best",
    "tiny/hf",
    "tiny/model_garden/pretrainer",
    "tiny_groups/tf1/model.ckpt-best",
    "tiny_relu_dropout/hf",
)
_MANIFEST = "manifest.json"
_CHECKSUMS = "SHA256SUMS"  # not compared: it has the digest of the manifest


def main() -> None:
    commits = {"before": _commit(_BEFORE.value), "after": _commit("HEAD")}
    with tempfile.TemporaryDirectory() as folder:
        before, after = (
            _export(pathlib.Path(folder) / name, commit) for name, commit in commits.items()
        )
    names = sorted(before.keys() | after.keys())
    different = [name for name in names if before.get(name) != after.get(name)]
    print(f"{len(names)} files, {sum(map(len, after.values())):,} bytes")
    if different:
        raise errors.VerificationError(errors.listing("these differ", different))
    print("identical")


def _commit(revision: str) -> str:
    command = ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    if done.returncode:
        raise errors.InputError(f"--before must be a commit of this repository, got {revision!r}")
    return done.stdout.strip()


def _export(folder: pathlib.Path, commit: str) -> dict[str, bytes]:
    """Exports the models from a clone at a commit; returns the files by path."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
    subprocess.run(["git", "checkout", "--quiet", commit], cwd=clone, check=True)
    for command, arguments in _commands().items():
        runner.log(f"{folder.name}: {command}")
        done = subprocess.run(
            [sys.executable, "-m", command.split()[0], *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(clone)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise errors.InputError(f"{command} fails at {commit}: {done.stderr[-2000:]}")
    shutil.rmtree(clone)
    return _contents(folder / "exports")


def _commands() -> Mapping[str, list[str]]:
    """Returns the arguments of each command."""
    sizes = [size for size in _MODELS.value if size != "golden"]
    commands = {f"export.encoder {size}": ["--config", size] for size in sizes}
    if "golden" in _MODELS.value:
        config = _GOLDEN / "tiny" / "tf1" / "albert_config.json"
        for source in _GOLDEN_SOURCES:
            commands[f"export.encoder {source}"] = [
                *("--checkpoint", str(_GOLDEN / source), "--model_name", source.replace("/", "-")),
                *("--sp_model_file", str(_VOCABULARY)),
                *(["--config", str(config)] if "model_garden" in source else []),
            ]
    commands["export.preprocessor"] = []
    commands["export.preprocessor original"] = ["--tokenization=original", "--model_name=original"]
    commands["export.encoder for the embedder"] = ["--config=tiny", "--model_name=part"]
    commands["export.embedder"] = [
        *("--encoder", "exports/part/1", "--preprocessor", "exports/albert_en_preprocess/1"),
        *("--model_name", "embedder"),
    ]
    return commands


def _contents(directory: pathlib.Path) -> dict[str, bytes]:
    contents = {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != _CHECKSUMS
    }
    for name in contents:
        if name.endswith(_MANIFEST):
            values = _without_toolchain(json.loads(contents[name]))
            contents[name] = json.dumps(values, sort_keys=True).encode()
    return contents


def _without_toolchain(value: Any) -> Any:
    """Returns a manifest without the versions of packages, also in those it was made from."""
    if not isinstance(value, dict):
        return value
    return {key: _without_toolchain(one) for key, one in value.items() if key != "toolchain"}


if __name__ == "__main__":
    runner.run(main)
