"""What is loaded everywhere: the callables of four small artifacts, with their inputs.

Example:
    part = parts.PARTS[".unpadded.mlm"]
    outputs = part.callable_in(hub.load(part.directory(folder)))(inputs)

Read by processes that have no TensorFlow.
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
      name: as the table calls it.
      artifact: folder of the artifact.
      path: attributes from the root to the callable, with dots.
      inputs: names of the inputs; `SENTENCES` alone is given as a tensor, all others as a dict.
      signature: the signature that computes the same, if there is one.
    """

    name: str
    artifact: str
    path: str = ""
    inputs: tuple[str, ...] = ENCODER_INPUTS
    signature: str | None = "serving_default"

    def directory(self, folder: str) -> str:
        """Returns the root of the artifact, where `folder` holds them all."""
        return os.path.join(folder, "artifacts", self.artifact)

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
        """The output that training is about; None where there is but one."""
        if self.is_text:
            return None
        return "mlm_logits" if "masked_lm_positions" in self.inputs else "pooled_output"

    @property
    def target(self) -> np.ndarray:
        """What training is towards: ids [B, P] to classify as, or vectors [B, H] to be near."""
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
    """Returns whether the part of this name computes in bfloat16."""
    return PARTS[name].artifact == BFLOAT16


# Steps of plain gradient descent; at this rate weights move by some hundredths.
STEPS = 3
LEARNING_RATE = 0.5


def flat(outputs: Any) -> Arrays:
    """Returns outputs by name: those of a list with their number, a bare one as `default`."""
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
    """Returns trained variables by the name that the reference knows them by."""
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
