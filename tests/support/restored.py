"""What tests of checkpoints ask of an open one, and the golden Hugging Face model to change.

Example:
    restored.assert_golden(opening.open(folder))
"""

import json

from export.checkpoints import compatibility, restore
from tests.support import checkpoints, golden


def unused(checkpoint, *, mlm=None):
    """Returns why each tensor is not used, for a model with the heads that the weights have."""
    mlm = restore.has_mlm_head(checkpoint) if mlm is None else mlm
    entries = restore.entries_of(
        checkpoint, config=checkpoint.config, mlm=mlm, heads=checkpoint.heads
    )
    return compatibility.unused(entries, checkpoint)


def golden_hf(golden_root):
    """Returns the tensors of the golden Hugging Face model."""
    return checkpoints.read_safetensors(golden_root / "tiny" / "hf" / "model.safetensors")


def write_hf(golden_root, folder, tensors, **config):
    """Writes tensors with the golden config, some keys of it changed."""
    values = json.loads((golden_root / "tiny" / "hf" / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | config))
    checkpoints.write_safetensors(folder / "model.safetensors", tensors)


def assert_golden(checkpoint, *, heads=True):
    """Asserts that the weights are the golden model's, to the bit, with or without its heads."""
    got = restore.read(checkpoint, config=checkpoint.config, heads=())
    expected = golden.tensors("tiny")
    assert {name for name in expected if heads or not name.startswith("cls/")} == set(got)
    for name, value in got.items():
        assert value.tobytes() == expected[name].tobytes(), name
