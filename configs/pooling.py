"""From the states of a text's tokens to one vector, as data.

Example:
    pooling.Pooling(modes=("mean",), normalize=True)
"""

import dataclasses
from typing import Any

POOLED = "pooled"  # the encoder's `pooled_output`
# Over `sequence_output`, by the names of sentence-transformers but for "first", which it calls cls.
MODES = ("first", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
ACTIVATIONS = ("tanh", "linear")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DenseLayer:
    """A dense layer over vectors: `activation(x @ kernel + bias)`.

    Attributes:
      kernel: a NumPy array, float32 [inputs, outputs].
      bias: a NumPy array, float32 [outputs].
      activation: one of `ACTIVATIONS`.
    """

    kernel: Any = dataclasses.field(repr=False)
    bias: Any = dataclasses.field(repr=False)
    activation: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pooling:
    """The way to one vector.

    Attributes:
      modes: of `MODES`, or `POOLED`; the vectors of several are joined.
      dense: layers over the result.
      normalize: whether to scale the vectors to length one.
      prompt: a text that is put in front of every text.
      lower_case: whether texts, the prompt included, are lower-cased before they are tokenized.
    """

    modes: tuple[str, ...] = (POOLED,)
    dense: tuple[DenseLayer, ...] = ()
    normalize: bool = False
    prompt: str = ""
    lower_case: bool = False

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it."""
        entries: dict[str, Any] = {"pooling": "+".join(self.modes), "normalize": self.normalize}
        if self.dense:
            entries["dense"] = [
                {"shape": list(layer.kernel.shape), "activation": layer.activation}
                for layer in self.dense
            ]
        if self.prompt:
            entries["prompt"] = self.prompt
        if self.lower_case:
            entries["lower_cases_texts"] = True
        return entries
