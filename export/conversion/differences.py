"""Compares a converted model with the SavedModel that it comes from.

Example:
    found = batches.make(source, texts=None)
    result = differences.compare(
        directory, source=source, signatures=signatures, format_name="onnx", found=found
    )
    result.summary()
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from configs import head_config, hub_api
from export.conversion import batches, formats, runtime_process
from export.conversion import source as sources
from export.verification import check, tolerances

# The largest difference allowed in float32, relative to the largest magnitude of the output or to
# 1, whichever is larger: of vectors, and of what has more values. Engines add in other orders;
# measured on large: 2.5e-6 and 6.0e-6.
_VECTOR_TOLERANCE, _TOLERANCE = 1e-5, 1e-4
_VECTORS = (hub_api.DEFAULT, hub_api.POOLED_OUTPUT)
_OF_COSINES = (*_VECTORS, hub_api.SEQUENCE_OUTPUT)
_OF_LABELS = (
    hub_api.LOGITS,
    hub_api.MLM_LOGITS,
    hub_api.SOP_LOGITS,
    hub_api.START_LOGITS,
    hub_api.END_LOGITS,
)
_EXACT = (
    *(hub_api.START_POSITIONS, hub_api.LABEL, hub_api.TRUNCATED),
    *(hub_api.TOKENS, hub_api.FILLED_SENTENCES),
)
_MIN_EQUAL = 0.99  # of those, in float32; ties may be broken otherwise


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of one output of a signature.

    Attributes:
      signature: its name.
      output: its name.
      difference: largest absolute difference; infinite where shapes differ or numbers are missing.
      magnitude: largest absolute value of the SavedModel's.
      cosine: smallest cosine of the vectors of texts and their tokens; None of other outputs.
      equal: share of the texts (or their tokens) with equal labels; None of other outputs.
    """

    signature: str
    output: str
    difference: float
    magnitude: float
    cosine: float | None
    equal: float | None

    def limit(self, compute_dtype: str) -> float:
        """Returns the largest difference that is allowed without quantization."""
        is_vector = self.output in _VECTORS
        limit = _VECTOR_TOLERANCE if is_vector else _TOLERANCE
        if compute_dtype != "float32":  # the SavedModel itself rounds
            limit = tolerances.TOLERANCES[compute_dtype]
        return limit * max(1.0, self.magnitude)

    def problem(self, *, quantize: str, compute_dtype: str, min_cosine: float) -> str | None:
        """Returns why it is not good enough; None if it is."""
        if not np.isfinite(self.difference):
            return "has another shape or type, or is not finite"
        if self.cosine is not None and self.cosine < min_cosine:
            return f"has a cosine of {self.cosine:.4f} to the SavedModel's, below {min_cosine:g}"
        if quantize != formats.NONE:
            return None
        limit = self.limit(compute_dtype)
        if self.output in _EXACT:
            is_enough = compute_dtype != "float32" or (self.equal or 0) >= _MIN_EQUAL
            return None if is_enough else f"is equal for {self.equal:.0%} only"
        if self.difference > limit:
            return f"differs by {self.difference:.1e}, more than {limit:.1e}"
        return None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison measured.

    Attributes:
      measured: every output of every signature.
      texts: the number of texts.
      tokens: the number of their tokens.
    """

    measured: tuple[Measured, ...]
    texts: int
    tokens: int

    def summary(self) -> list[str]:
        """Returns a line for each signature."""
        names = dict.fromkeys(one.signature for one in self.measured)
        return [
            f"{name}: {words([one for one in self.measured if one.signature == name])}"
            for name in names
        ]

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it: by signature and output."""
        found: dict[str, Any] = {}
        for one in self.measured:
            entry = found.setdefault(one.signature, {})[one.output] = {}
            entry["largest_difference"] = _rounded(one.difference)
            if one.cosine is not None:
                entry["smallest_cosine"] = round(one.cosine, 6)
            if one.equal is not None:
                entry["equal_labels"] = round(one.equal, 6)
        return {"texts": self.texts, "tokens": self.tokens, "signatures": found}


def findings(
    compared: Comparison, *, quantize: str, compute_dtype: str, min_cosine: float
) -> list[check.Finding]:
    """Returns for each output whether it is good enough, see `Measured.problem`."""
    found = []
    for one in compared.measured:
        problem = one.problem(quantize=quantize, compute_dtype=compute_dtype, min_cosine=min_cosine)
        name = f"{one.output} of {one.signature}"
        text = f"{name} is the SavedModel's: {words([one])}"
        found.append(check.Finding(check=text, problem=problem and f"{name} {problem}"))
    return found


def words(measured: Sequence[Measured]) -> str:
    """Returns the worst of what was measured of some outputs."""
    cosines = [one.cosine for one in measured if one.cosine is not None]
    equal = [one.equal for one in measured if one.equal is not None]
    said = [f"largest difference {max(one.difference for one in measured):.1e}"]
    said += [f"smallest cosine {min(cosines):.6f}"] if cosines else []
    said += [f"equal labels {min(equal):.1%}"] if equal else []
    return ", ".join(said)


def compare(
    directory: str,
    *,
    source: sources.Source,
    signatures: Sequence[sources.Signature],
    format_name: str,
    found: Sequence[batches.Batch],
) -> Comparison:
    """Runs the source and what it was converted to on batches.

    Args:
      directory: of the converted model.
      source: the encoder.
      signatures: of the converted model.
      format_name: one of `formats.FORMATS`.
      found: the batches.

    Raises:
      errors.VerificationError: the converted model does not run.
    """
    pairs = [(signature, batch) for signature in signatures for batch in found]
    runs = [(signature.name, batch.of(signature)) for signature, batch in pairs]
    results = runtime_process.run(format_name, directory, runs)
    measured = []
    for signature in signatures:
        ran = [
            _Run(batch, source.run(signature, batch.of(signature)), result)
            for (of, batch), result in zip(pairs, results, strict=True)
            if of is signature
        ]
        measured += [_measure(source, signature, name, ran) for name in signature.outputs]
    of_texts = [batch for batch in found if batch.is_text]
    return Comparison(
        measured=tuple(measured),
        texts=sum(batch.num_rows for batch in of_texts),
        tokens=sum(batch.num_tokens for batch in of_texts),
    )


@dataclasses.dataclass(frozen=True)
class _Run:
    """One batch, what the SavedModel computes for it, and what the converted model does."""

    batch: batches.Batch
    expected: Mapping[str, np.ndarray]
    got: Mapping[str, np.ndarray]

    def pair(self, output: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns an output of both; of ends, that of those starts alone which both have."""
        expected, got = self.expected[output], self.got[output]
        if output == hub_api.END_LOGITS and hub_api.START_POSITIONS in self.expected:
            starts = hub_api.START_POSITIONS
            same = self.expected[starts] == self.got[starts]
            return expected[same], got[same]
        return expected, got

    def fits(self, output: str) -> bool:
        """Returns whether both have the output, in one shape and type, and with numbers."""
        expected, got = self.expected[output], self.got.get(output)
        return (
            got is not None
            and got.shape == expected.shape
            and (got.dtype == expected.dtype or got.dtype.kind == expected.dtype.kind == "U")
            and (_is_exact(got) or bool(np.isfinite(got).all()))
        )


def _measure(
    source: sources.Source, signature: sources.Signature, output: str, ran: Sequence[_Run]
) -> Measured:
    if not all(run.fits(name) for run in ran for name in signature.outputs):
        fits = all(run.fits(output) for run in ran)
        difference = 0.0 if fits else np.inf
        return Measured(
            signature=signature.name,
            output=output,
            difference=difference,
            magnitude=0.0,
            cosine=None,
            equal=None,
        )
    pairs = [run.pair(output) for run in ran]
    if _is_exact(pairs[0][0]):
        same = [np.equal(*pair).reshape(-1) for pair in pairs]
        return Measured(
            signature=signature.name,
            output=output,
            difference=0.0,
            magnitude=0.0,
            cosine=None,
            equal=float(np.concatenate(same).mean()),
        )
    of_texts = [(run.batch, *run.pair(output)) for run in ran if run.batch.is_text]
    cosine = equal = None
    if output in _OF_COSINES:
        cosine = min(_smallest_cosine(*one) for one in of_texts)
    if output in _OF_LABELS or output == hub_api.START_POSITIONS:
        same = [_equal(source, signature, output, *one) for one in of_texts]
        equal = float(np.concatenate(same).mean()) if sum(map(len, same)) else None
    return Measured(
        signature=signature.name,
        output=output,
        difference=max(_largest(got - expected) for expected, got in pairs),
        magnitude=max(_largest(expected) for expected, _ in pairs),
        cosine=cosine,
        equal=equal,
    )


def _is_exact(values: np.ndarray) -> bool:
    """Returns whether they are equal or not, and no numbers: strings and booleans."""
    return values.dtype.kind in "Ub"


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0))


def _smallest_cosine(batch: batches.Batch, expected: np.ndarray, got: np.ndarray) -> float:
    """Returns that of vectors [B, H], or of [B, S, H] at tokens."""
    if expected.ndim == 3:
        expected, got = expected[batch.is_token], got[batch.is_token]
    expected, got = expected.astype(np.float64), got.astype(np.float64)
    lengths = np.linalg.norm(expected, axis=-1) * np.linalg.norm(got, axis=-1)
    return float((np.sum(expected * got, axis=-1) / np.maximum(lengths, 1e-30)).min())


def _equal(
    source: sources.Source,
    signature: sources.Signature,
    output: str,
    batch: batches.Batch,
    expected: np.ndarray,
    got: np.ndarray,
) -> np.ndarray:
    """Returns for each label whether both models give it; empty for a regression."""
    if output == hub_api.START_POSITIONS:
        return (expected == got).reshape(-1)
    if signature.head == hub_api.TAG:
        expected, got = expected[batch.is_token], got[batch.is_token]
    types = {head.problem_type for head in source.heads if head.kind == signature.head}
    if output == hub_api.LOGITS and types == {head_config.MULTI_LABEL}:
        return np.equal(expected > 0, got > 0).reshape(-1)
    if expected.shape[-1] == 1 and output == hub_api.LOGITS:
        return np.empty(0, bool)
    return np.equal(expected.argmax(axis=-1), got.argmax(axis=-1)).reshape(-1)


def _rounded(value: float) -> float:
    return float(f"{value:.2e}")
