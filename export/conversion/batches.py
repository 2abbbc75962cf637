"""What a converted model and its source are both run on.

Example:
    found = batches.make(source, texts=None)

Texts go through the tokenizer that the encoder has recorded. A batch of random ids adds rows that
texts do not have: with holes, without a token, of several types.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from configs import errors, hub_api
from export.conversion import source as sources

_BATCH = 8
_LONGEST = 128  # tokens after which a text is cut, special tokens included
_PREDICTIONS = 4
_MOST_TEXTS = 1000  # all outputs are in memory
_RANDOM_LENGTH = 9

# Several languages, lengths and kinds of text.
TEXTS = (
    "ALBERT is a lite BERT for self-supervised learning of language representations.",
    "Hello!",
    "The quick brown fox jumps over the lazy dog, and then it sleeps in the sun.",
    "How much does it cost to send a parcel of 2.5 kg from Lisbon to Oslo?",
    "I did not like this film at all: the plot is thin, and the actors look bored.",
    "Absolutely wonderful service, and the best coffee that I have had in years.",
    "Heavy rain is expected in the north on Tuesday, with up to 40 mm in twelve hours.",
    "In 1905 Albert Einstein published four papers that changed physics.",
    "Der Zug nach München fährt heute von Gleis 7 ab.",
    "La bibliothèque est fermée le lundi, mais le café est ouvert.",
    "¿Dónde está la estación de tren más cercana?",
    "Москва является столицей России.",
    "def area(radius): return 3.14159 * radius ** 2",
    "Yes.",
    "Patients who took the drug for six weeks reported fewer headaches than those who took a "
    "placebo, but the difference was small, and the authors ask for a larger study before any "
    "doctor should prescribe it.",
    "Contact support@example.com or call +1 555 0100, Monday to Friday, 9:00-17:30.",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Batch:
    """Inputs.

    Attributes:
      inputs: int32 by name, of `MLM_INPUTS`.
      is_text: whether they are of texts.
    """

    inputs: dict[str, np.ndarray]
    is_text: bool

    def of(self, signature: sources.Signature) -> dict[str, np.ndarray]:
        """Returns the inputs of a signature; of a choice, the rows are choices of one example."""
        inputs = {name: self.inputs[name] for name in signature.inputs}
        if signature.head != hub_api.CHOOSE:
            return inputs
        return {name: array[np.newaxis] for name, array in inputs.items()}

    @property
    def is_token(self) -> np.ndarray:
        """Bool [B, S]."""
        return self.inputs[hub_api.INPUT_MASK] != 0

    @property
    def num_rows(self) -> int:
        """The number of its texts."""
        return len(self.is_token)

    @property
    def num_tokens(self) -> int:
        """The number of tokens of its texts."""
        return int(self.is_token.sum())


def read_texts(path: str) -> tuple[str, ...]:
    """Returns the texts of a file, one a line, without empty lines.

    Raises:
      errors.InputError: it cannot be read, or has none or too many.
    """
    try:
        with open(path, encoding="utf-8") as file:
            texts = tuple(filter(None, (line.strip() for line in file)))
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InputError(f"--texts {path!r} cannot be read: {error}") from error
    if not texts:
        raise errors.InputError(f"--texts {path!r} has no texts")
    if len(texts) > _MOST_TEXTS:
        raise errors.InputError(
            f"--texts {path!r} must have at most {_MOST_TEXTS} texts, got {len(texts)}"
        )
    return texts


def make(source: sources.Source, *, texts: Sequence[str] | None) -> list[Batch]:
    """Returns batches for an encoder.

    Args:
      source: the encoder.
      texts: None for the built-in ones.

    Raises:
      errors.VocabularyError: there are texts, but the encoder has no tokenizer.
    """
    generator = np.random.default_rng(0)
    rows = _tokenized(source, texts or TEXTS)
    if rows is None:
        if texts is not None:
            raise errors.VocabularyError(
                f"--texts needs a tokenizer, but {source.directory!r} has recorded none"
            )
        rows = [
            generator.integers(0, source.config.vocab_size, len(text) // 4 + 2) for text in TEXTS
        ]
    longest = min(_LONGEST, source.config.max_position_embeddings)
    rows = sorted((np.append(row[: longest - 1], row[-1]) for row in rows), key=len)
    found = [_packed(rows[i : i + _BATCH]) for i in range(0, len(rows), _BATCH)]
    return [*found, _random(source, generator)]


def _tokenized(source: sources.Source, texts: Sequence[str]) -> list[np.ndarray] | None:
    """Returns the ids of each text with [CLS] and [SEP]; None without a tokenizer."""
    import tensorflow as tf

    from export.artifacts import tokenizer_choice
    from preprocess.tokenizers import engines

    assets = os.path.join(source.directory, "assets")
    request = tokenizer_choice.Request()
    tokenizer = tokenizer_choice.resolve(request, directories=[assets])
    if tokenizer is None:
        return None
    engine = engines.make(
        tokenizer.described,
        tokenization=tokenizer.tokenization,
        lower_case=tokenizer.lower_case,
        keep_accents=tokenizer.keep_accents,
    )
    vocabulary = engine.vocabulary
    ends = vocabulary.start_of_sequence_id, vocabulary.end_of_segment_id
    return [
        np.array([ends[0], *ids, ends[1]], np.int32)
        for ids in engine.encode(tf.constant(list(texts))).to_list()
    ]


def _packed(rows: Sequence[np.ndarray]) -> Batch:
    shape = len(rows), max(map(len, rows))
    ids, mask = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for number, row in enumerate(rows):
        ids[number, : len(row)], mask[number, : len(row)] = row, 1
    positions = np.arange(1, _PREDICTIONS + 1) % mask.sum(axis=1, keepdims=True)
    return _batch((ids, mask, np.zeros_like(ids), positions), is_text=True)


def _random(source: sources.Source, generator: np.random.Generator) -> Batch:
    config = source.config
    length = min(_RANDOM_LENGTH, config.max_position_embeddings)
    masks = ("111111111", "111100000", "000000000", "011010000", "000000001", "100000000")
    mask = np.array([[int(one) for one in row[:length]] for row in masks])
    shape = mask.shape
    ids = generator.integers(0, config.vocab_size, shape)
    types = generator.integers(0, config.type_vocab_size, shape)
    positions = generator.integers(0, length, (len(masks), _PREDICTIONS))
    return _batch((ids, mask, types, positions), is_text=False)


def _batch(arrays: Sequence[np.ndarray], *, is_text: bool) -> Batch:
    named = zip(hub_api.MLM_INPUTS, arrays, strict=True)
    return Batch(inputs={name: a.astype(np.int32) for name, a in named}, is_text=is_text)
