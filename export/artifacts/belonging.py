"""Whether an encoder and a preprocessor belong together: by vocabulary and by tokenization.

    found = belonging.check("exports/albert/1", "exports/albert_preprocess/1")
    found.problems  # [] if they do

The facts are in the manifests. Keras drops those when it saves an encoder again, but keeps the
assets, which say the same. Artifacts that say nothing (of version 0.1, of TF Hub) are accepted.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from configs import errors
from export.artifacts import tokenizer_choice
from export.metadata import manifest
from preprocess.vocabulary import tokenizer_config

# Of what a preprocessor does with a text, in the order in which a message names it.
_TOKENIZATION = ("tokenization", "lower_case", "keep_accents", "tokenization_sha256")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Belonging:
    """What a comparison gave.

    Attributes:
      problems: why they do not belong together; none if they do.
      notices: what could not be compared, or was allowed to differ.
      differs: whether their tokenizations differ, which the user has allowed.
    """

    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    differs: bool = False


def check(
    encoder_dir: str, preprocessor_dir: str, *, allow_other_tokenization: bool = False
) -> Belonging:
    """Compares the tokenizers of an encoder and a preprocessor.

    Args:
      encoder_dir: folder of an encoder.
      preprocessor_dir: folder of a preprocessor.
      allow_other_tokenization: whether the tokenizations may differ.
    """
    encoder = _facts(encoder_dir)
    preprocessor = _facts(preprocessor_dir)
    if "tokenizer" in encoder and encoder["tokenizer"] is None:
        return Belonging(problems=("the encoder was exported without a tokenizer (--notokenizer)",))
    unknown = [
        kind
        for kind, facts in (("encoder", encoder), ("preprocessor", preprocessor))
        if not facts.get("tokenizer")
    ]
    if unknown:
        line = f"the {' and the '.join(unknown)} does not say its vocabulary: is it the same?"
        return Belonging(notices=(line,))
    if _digests(encoder["tokenizer"]).isdisjoint(_digests(preprocessor["tokenizer"])):
        return Belonging(
            problems=(
                f"the encoder has another vocabulary ({_file(encoder)}) than the preprocessor "
                f"({_file(preprocessor)}): give the preprocessor that export.preprocessor "
                f"--encoder {encoder_dir} writes",
            )
        )
    return _compare_tokenizations(
        encoder, preprocessor, encoder_dir, is_allowed=allow_other_tokenization
    )


def _compare_tokenizations(
    encoder: Mapping[str, Any],
    preprocessor: Mapping[str, Any],
    encoder_dir: str,
    *,
    is_allowed: bool,
) -> Belonging:
    if "tokenization" not in encoder or "tokenization" not in preprocessor:
        return Belonging(notices=("the encoder does not say its tokenization: is it the same?",))
    # Manifests of version 0.1 do not say whether accents are kept: they never were.
    theirs, ours = ({"keep_accents": False, **facts} for facts in (encoder, preprocessor))
    if all(theirs.get(key) == ours.get(key) for key in _TOKENIZATION):
        return Belonging()
    sentence = f"the encoder's tokenization is {_said(theirs)}, the preprocessor's {_said(ours)}"
    if is_allowed:
        return Belonging(notices=(sentence,), differs=True)
    return Belonging(
        problems=(
            f"{sentence}: give the preprocessor that export.preprocessor --encoder {encoder_dir} "
            "writes, or --allow_other_tokenization",
        )
    )


def _facts(directory: str) -> Mapping[str, Any]:
    """Returns what the manifest of an artifact or, without one, its assets say of its tokenizer."""
    content = manifest.read(directory)
    if "tokenizer" in content:
        return content
    assets = os.path.join(directory, "assets")
    request = tokenizer_choice.Request()
    try:
        tokenizer = tokenizer_choice.resolve(request, directories=[assets])
    except errors.VocabularyError:  # assets of something else
        return {}
    entries = tokenizer.manifest_entries() if tokenizer is not None else {}
    if not os.path.isfile(os.path.join(assets, tokenizer_config.CONFIG)):  # a vocabulary alone
        return {key: entries[key] for key in ("tokenizer",) if key in entries}
    return entries


def _digests(tokenizer: Mapping[str, str]) -> set[str]:
    """Returns those of a vocabulary's file, as it was given and as it is in the asset."""
    return {tokenizer[key] for key in ("sha256", "asset_sha256") if key in tokenizer}


def _file(facts: Mapping[str, Any]) -> str:
    tokenizer = facts["tokenizer"]
    return f"{tokenizer.get('file')}, sha256 {tokenizer.get('sha256', '')[:12]}"


def _said(facts: Mapping[str, Any]) -> str:
    words = [
        facts["tokenization"],
        "lower-cased" if facts.get("lower_case") else "cased",
        "with accents" if facts.get("keep_accents") else "without accents",
    ]
    if "tokenization_sha256" in facts:
        words.append(f"sha256 {facts['tokenization_sha256'][:12]}")
    return f"{words[0]!r} ({', '.join(words[1:])})"
