"""Writes a folder for transformers, and verifies one against the encoder that it comes from.

Example:
    made = folder.write("dir", source=source, signatures=("mlm",), preprocessor=None)
    made.summary()
    findings = folder.verify("dir", source=source, signatures=("mlm",))

Every weight is read back and must have the encoder's bits. Where transformers and torch are
installed, what they compute is compared as well.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from configs import errors, hub_api
from export.conversion import batches, differences, formats
from export.conversion import source as sources
from export.conversion.hugging_face import (
    hugging_face_format,
    model_class,
    model_files,
    tokenizer_files,
)
from export.verification import check

_FORMAT = "huggingface"
_MIN_COSINE = 0.99  # the default of other formats; differences of float32 say more


@dataclasses.dataclass(frozen=True, kw_only=True)
class Written:
    """What was written, and how it was compared.

    Attributes:
      described: the model as its class has it.
      tokenizer: the tokenizer.
      compared: what transformers computes; None without it.
    """

    described: model_class.Description
    tokenizer: tokenizer_files.TokenizerFiles
    compared: differences.Comparison | None

    def summary(self) -> list[str]:
        """Returns what the user should know."""
        count = len(self.described.entries())
        lines = [f"{self.described.model_class.name}: {count} weights, every bit equal"]
        if self.compared is None:
            lines[0] += "; not computed, which needs transformers, torch and an encoder by itself"
        else:
            lines += [f"in transformers, {line}" for line in self.compared.summary()]
        return [*lines, *self.described.notices, *self.tokenizer.notices]

    def manifest_entries(self) -> dict[str, Any]:
        """Returns what a manifest records of it."""
        compared: dict[str, Any] = {"weights": len(self.described.entries()), "bits_equal": True}
        if self.compared is not None:
            compared |= self.compared.manifest_entries()
        return {
            "signatures": {
                name: {"file": model_files.WEIGHTS}
                for name in self.described.model_class.heads or (hub_api.SERVING_DEFAULT,)
            },
            "architecture": self.described.model_class.name,
            "notices": list(self.described.notices),
            "tokenizer_files": self.tokenizer.manifest_entries(),
            "compared": compared,
            **hugging_face_format.manifest_entries(),
        }


def write(
    directory: str,
    *,
    source: sources.Source,
    signatures: Sequence[str],
    preprocessor: str | None,
) -> Written:
    """Writes and compares weights, config and tokenizer.

    Args:
      directory: existing and empty.
      source: the encoder.
      signatures: names of the heads to write, or `serving_default` for none; empty for all.
      preprocessor: folder of the preprocessor that belongs to the encoder, where that has not
        recorded how text is split.

    Raises:
      errors.InputError: no class of transformers has these heads, or computes what they do.
      errors.VerificationError: what was written is not what the encoder has.
    """
    described = model_class.Description.of(source, model_class.choose(source, signatures))
    tokenizer = tokenizer_files.make(source, preprocessor=preprocessor)
    model_files.write(
        directory, source=source, described=described, special_ids=tokenizer.special_ids
    )
    for name, content in tokenizer.files.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(content)
    findings, compared = _compare(directory, source, described)
    problems = [one.problem for one in findings if one.problem]
    if problems:
        title = "nothing is published, because it is not what the SavedModel is"
        raise errors.VerificationError(errors.listing(title, problems))
    return Written(described=described, tokenizer=tokenizer, compared=compared)


def verify(
    directory: str, *, source: sources.Source, signatures: Sequence[str]
) -> list[check.Finding]:
    """Compares a folder with its source; as `write` does."""
    described = model_class.Description.of(source, model_class.choose(source, signatures))
    findings, _ = _compare(directory, source, described)
    if os.path.isfile(os.path.join(directory, tokenizer_files.NAMES[0])):
        problem = tokenizer_files.verified(directory, source)
        findings.append(check.Finding(check="its tokenizer gives the same ids", problem=problem))
    return findings


def _compare(
    directory: str, source: sources.Source, described: model_class.Description
) -> tuple[list[check.Finding], differences.Comparison | None]:
    problems = model_files.problems(directory, source=source, described=described)
    text = f"its config and {len(described.entries())} weights are the SavedModel's, bit by bit"
    findings = [check.Finding(check=text, problem="; ".join(problems) or None)]
    if problems or not (hugging_face_format.is_run() and source.is_encoder):
        return findings, None
    compared = differences.compare(
        directory,
        source=source,
        signatures=_signatures(source, described),
        format_name=_FORMAT,
        found=[_with_tokens(batch) for batch in batches.make(source, texts=None)],
    )
    findings += differences.findings(
        compared,
        quantize=formats.NONE,
        compute_dtype=source.compute_dtype,
        min_cosine=_MIN_COSINE,
    )
    return findings, compared


def _signatures(
    source: sources.Source, described: model_class.Description
) -> list[sources.Signature]:
    """Returns the signatures whose outputs the class computes, with these outputs alone."""
    absent = {hub_api.DEFAULT}
    if not described.model_class.has_pooler:
        absent.add(hub_api.POOLED_OUTPUT)
    names = described.model_class.heads or (hub_api.SERVING_DEFAULT,)
    found = [source.signatures[name] for name in names]
    return [
        dataclasses.replace(one, outputs=tuple(name for name in one.outputs if name not in absent))
        for one in found
    ]


def _with_tokens(batch: batches.Batch) -> batches.Batch:
    """Returns the rows that have tokens: without any, transformers attends to all alike."""
    kept = np.flatnonzero(batch.is_token.any(axis=1))
    inputs = {name: array[kept] for name, array in batch.inputs.items()}
    return dataclasses.replace(batch, inputs=inputs)
