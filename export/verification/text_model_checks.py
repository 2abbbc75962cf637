"""The checks of a text model, which use it as its users do.

Example:
    check.run_checks(text_model_checks.CHECKS, module, directory)
"""

from typing import Any

import numpy as np
import tensorflow as tf

from configs import hub_api
from export.artifacts import text_model_spec
from export.verification.check import Check, require

_TEXTS = ("The cat sat on the mat.", "a", "ALBERT is a lite BERT. " * 20)
_ATOL = 1e-5
_OUTPUTS = {
    "embed": (hub_api.DEFAULT, hub_api.TRUNCATED),
    "classify": hub_api.CLASSIFIED_OUTPUTS,
    "tag": hub_api.TAGGED_OUTPUTS,
    "answer": hub_api.ANSWERED_OUTPUTS,
    "fill_mask": hub_api.FILLED_OUTPUTS,
}


def _task(module: Any) -> str:
    return module.task.numpy().decode()


def _inputs(module: Any, texts: tuple[str, ...]) -> dict[str, tf.Tensor]:
    """Returns texts that the task can have, by the names of the signature's inputs."""
    _, specs = module.signatures[hub_api.SERVING_DEFAULT].structured_input_signature
    if _task(module) == text_model_spec.FILL_MASK:
        texts = tuple(f"[MASK] {text[:20]}" for text in texts)
    return {name: tf.constant(list(texts), tf.string, [len(texts)]) for name in specs}


def _serve(module: Any, texts: tuple[str, ...]) -> dict[str, tf.Tensor]:
    return module.signatures[hub_api.SERVING_DEFAULT](**_inputs(module, texts))


def _has_task(module: Any, directory: str) -> None:
    require(_task(module) in _OUTPUTS, f"`task` is {_task(module)!r}")


def _outputs(module: Any, directory: str) -> None:
    outputs = _serve(module, _TEXTS)
    require(set(outputs) == set(_OUTPUTS[_task(module)]), f"its outputs are {sorted(outputs)}")
    for name, output in outputs.items():
        require(output.shape[0] == len(_TEXTS), f"{name} has shape {list(output.shape)}")
        if output.dtype.is_floating:
            require(np.isfinite(output).all(), f"{name} is not finite")


def _empty(module: Any, directory: str) -> None:
    for name, output in _serve(module, ()).items():
        require(output.shape[0] == 0, f"{name} has shape {list(output.shape)}")


def _independent(module: Any, directory: str) -> None:
    together = _serve(module, _TEXTS)
    for row, text in enumerate(_TEXTS):
        for name, output in _serve(module, (text,)).items():
            if output.dtype.is_floating:
                found = together[name][row]
                if output.shape.rank > 1:  # may be padded to the other texts' size, 0 included
                    found = found[: output.shape[-1]]
                difference = np.abs(found - output[0]).max(initial=0)
                require(difference <= _ATOL, f"{name} of text {row} differs by {difference:.1e}")


CHECKS = (
    Check("`task` says what it does", _has_task),
    Check("signature `serving_default` is from texts to outputs with the batch first", _outputs),
    Check("a batch may be empty", _empty),
    Check("what a text gives does not depend on the other texts of the batch", _independent),
)
