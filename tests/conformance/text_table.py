"""The rows of text models in the conformance table: each callable of a text model of each task.

    @pytest.mark.parametrize("row", text_table.ROWS, ids=str)
    def test_something(row):
        outputs = row.call()(row.inputs())

What they compute is compared with the reference that `export.verify` uses, in NumPy, and whose own
oracle are recorded results of transformers' pipelines.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from configs import hub_api
from export.checkpoints import opening
from export.metadata import manifest
from export.verification import text_inputs, text_model_comparison, text_reference
from tests.support import text_models

# One is cut, one is empty.
_TEXTS = ("A river, in Paris", "", "the river rose slowly " * 30)
_MASKED = tuple(f"[MASK] {text[:18]}" for text in _TEXTS)
_OTHERS = ("the bridge is closed " * 30, "a", "Anna saw a bridge in Rome")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A callable of a text model.

    Attributes:
      task: what it does, and its name.
      name: of the model, see `text_models`.
      names: of its inputs; empty if it takes strings alone.
      path: attribute of the model that the callable is; empty for the model itself.
      signature: that gives the same.
      request: how the model is made, as pairs.
      is_trainable: whether it is meant to be trained.
    """

    task: str
    name: str
    names: tuple[str, ...] = ()
    path: str = ""
    signature: str = hub_api.SERVING_DEFAULT
    request: tuple[tuple[str, Any], ...] = ()
    is_trainable: bool = False

    def __str__(self) -> str:
        return self.task

    @property
    def directory(self) -> str:
        """The folder of the model. Tests must not write into it."""
        return text_models.directory(self.name, **dict(self.request))

    def root(self) -> Any:
        """Returns the loaded model. Tests must not change its variables."""
        return text_models.load(self.name, **dict(self.request))

    def call(self) -> Any:
        """Returns the loaded callable."""
        return self.in_root(self.root())

    def in_root(self, root: Any) -> Any:
        """Returns the callable of a loaded model."""
        return getattr(root, self.path) if self.path else root

    @property
    def columns(self) -> tuple[tuple[str, ...], ...]:
        """The texts of a batch, by input."""
        if self.names:
            return (_TEXTS, _OTHERS)
        return (_MASKED if self.task == "fill_mask" else _TEXTS,)

    def inputs(self, rows: slice = slice(None)) -> Any:
        """Returns a batch, or some of its rows, in the form that the callable takes."""
        tensors = [tf.constant(texts[rows]) for texts in self.columns]
        return dict(zip(self.names, tensors, strict=True)) if self.names else tensors[0]

    def named_inputs(self, rows: slice = slice(None)) -> dict[str, tf.Tensor]:
        """Returns the same by the names that the signature has."""
        inputs = self.inputs(rows)
        return inputs if self.names else {hub_api.SENTENCES: inputs}

    def outputs(self, results: Any) -> dict[str, Any]:
        """Returns the callable's outputs by name; vectors have none."""
        return dict(results) if isinstance(results, Mapping) else {hub_api.DEFAULT: results}

    def expected(self) -> list[text_reference.Result]:
        """Returns what the reference computes of each text."""
        computes = reference(self)
        return [computes.result(text_inputs.Text(*one)) for one in zip(*self.columns, strict=True)]

    def losses(self, outputs: Mapping[str, Any]) -> list[Any]:
        """Returns sums of each float output, weighted at random so that no value cancels another.

        Softmax sums up to one, so it is not the plain sum.
        """
        found = []
        for name in sorted(outputs):
            output = tf.convert_to_tensor(outputs[name])
            if output.dtype.is_floating:
                weights = np.random.default_rng(1).standard_normal(output.shape)
                found.append(tf.reduce_sum(output * weights.astype(np.float32)))
        return found


@functools.cache
def reference(row: Row) -> text_reference.TextReference:
    """Returns what computes the results of a row."""
    checkpoint = opening.open(str(text_models.parts(row.name) / "checkpoint"))
    return text_model_comparison.open_reference(
        checkpoint,
        module=row.root(),
        entries=manifest.read(row.directory),
        config=checkpoint.config,
    )


ROWS = (
    Row(
        task="embed",
        name="single",
        request=(("normalize", True), ("pooling", "mean"), ("task", "embed")),
        is_trainable=True,
    ),
    Row(task="classify", name="single", is_trainable=True),
    Row(
        task="classify_pairs",
        name="single",
        names=(hub_api.FIRST, hub_api.SECOND),
        path="pairs",
        signature=hub_api.PAIRS,
        is_trainable=True,
    ),
    Row(task="tag", name="tag"),
    Row(task="answer", name="answer", names=(hub_api.QUESTIONS, hub_api.CONTEXTS)),
    Row(task="fill_mask", name="fill_mask"),
)
# What `make test` runs; tests/export/tasks has every task against the recorded pipelines.
SAMPLE = tuple(row for row in ROWS if row.task == "classify")
