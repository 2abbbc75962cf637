"""The parts that all consumers load: callables of four small artifacts, with their inputs.

Example:
    part = parts.PARTS[".unpadded.mlm"]
    outputs = part.callable_in(hub.load(part.directory(folder)))(inputs)

Processes without TensorFlow import this module.
"""

import dataclasses
import operator
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

B, S, P = 4, 16, 3
_VOCAB_SIZE = 30000
_FIRST_ORDINARY_ID = 5  # after <pad>, <unk>, [CLS], [SEP] and [MASK]

SENTENCES = "sentences"
ENCODER_INPUTS = ("input_word_ids", "input_mask", "input_type_ids")
MLM_INPUTS = (*ENCODER_INPUTS, "masked_lm_positions")

# Folders of artifacts.
ENCODER = "encoder"
BFLOAT16 = "encoder_bfloat16"
PREPROCESSOR = "preprocessor"
EMBEDDER = "embedder"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A callable of an artifact.

    Attributes:
      name: its name in the table.
      artifact: folder of the artifact.
      path: attributes from the root to the callable, separated by dots.
      inputs: names of the inputs. The callable takes `SENTENCES` as a tensor, others as a dict.
      signature: the signature that computes the same; None if there is none.
    """

    name: str
    artifact: str
    path: str = ""
    inputs: tuple[str, ...] = ENCODER_INPUTS
    signature: str | None = "serving_default"

    def directory(self, folder: str) -> str:
        """Returns the artifact's directory in the output folder."""
        return os.path.join(folder, "artifacts", self.artifact)

    def reference(self, folder: str) -> str:
        """Returns the path of the part's reference in the output folder."""
        return os.path.join(folder, "reference", f"{self.name}.npz")

    def callable_in(self, root: Any) -> Any:
        """Returns the callable in a loaded artifact."""
        return operator.attrgetter(self.path)(root) if self.path else root

    def arrays(self) -> Arrays:
        """Returns the inputs by name."""
        return {name: _ARRAYS[name] for name in self.inputs}

    @property
    def is_text(self) -> bool:
        return self.inputs == (SENTENCES,)

    @property
    def is_trained(self) -> bool:
        return self.artifact != PREPROCESSOR

    @property
    def target_output(self) -> str | None:
        """The output that the loss is computed from; None if there is only one output."""
        if self.is_text:
            return None
        return "mlm_logits" if "masked_lm_positions" in self.inputs else "pooled_output"

    @property
    def target(self) -> np.ndarray:
        """The training target: classes [B, P], or vectors [B, H]."""
        if self.target_output == "mlm_logits":
            return _ARRAYS["input_word_ids"][:, :P]
        return _VECTORS


PARTS = {
    part.name: part
    for part in (
        Part(name="encoder", artifact=ENCODER),
        Part(name=".mlm", artifact=ENCODER, path="mlm", inputs=MLM_INPUTS, signature="mlm"),
        Part(name=".unpadded", artifact=ENCODER, path="unpadded", signature="unpadded"),
        Part(
            name=".unpadded.mlm",
            artifact=ENCODER,
            path="unpadded.mlm",
            inputs=MLM_INPUTS,
            signature=None,
        ),
        Part(name="bfloat16 encoder", artifact=BFLOAT16),
        Part(name="preprocessor", artifact=PREPROCESSOR, inputs=(SENTENCES,)),
        Part(name="embedder", artifact=EMBEDDER, inputs=(SENTENCES,)),
    )
}


def is_bfloat16(name: str) -> bool:
    """Returns whether a part computes in bfloat16."""
    return PARTS[name].artifact == BFLOAT16


# Steps of plain gradient descent; at this rate weights change by some hundredths.
STEPS = 3
LEARNING_RATE = 0.5


def flat(outputs: Any) -> Arrays:
    """Returns outputs by name: items of a list as `name_0` etc., a single tensor as `default`."""
    if not isinstance(outputs, Mapping):
        outputs = {"default": outputs}
    arrays: Arrays = {}
    for name, value in outputs.items():
        if isinstance(value, list | tuple):
            arrays |= {f"{name}_{index}": np.asarray(item) for index, item in enumerate(value)}
        else:
            arrays[name] = np.asarray(value)
    return arrays


def trained(values: Mapping[str, Any]) -> Arrays:
    """Returns trained variables by their names in the reference."""
    return {
        "trained/" + name.split(":")[0].replace("/", "_"): np.asarray(value)
        for name, value in values.items()
    }


_generator = np.random.default_rng(0)
_ARRAYS = {
    "input_word_ids": _generator.integers(_FIRST_ORDINARY_ID, _VOCAB_SIZE, [B, S], np.int32),
    "input_mask": np.less(np.arange(S), [[16], [9], [1], [12]]).astype(np.int32),
    "input_type_ids": _generator.integers(0, 2, [B, S], np.int32),
    "masked_lm_positions": np.array([[1, 15, 2], [2, 8, 0], [0, 0, 0], [3, 1, 11]], np.int32),
    SENTENCES: np.array(["The river rose slowly.", "", "Déjà vu: the café!", "bread " * 40]),
}
_VECTORS = _generator.standard_normal([B, 32]).astype(np.float32)
