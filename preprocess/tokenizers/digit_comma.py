"""Splits pieces like `9,` a second time, as the original tokenizer does.

Example:
    resplit = digit_comma.DigitComma.from_model(model)
    ids = resplit.ids(ids) if resplit else ids

google-research/albert encodes such a piece again without its comma and appends the comma
(`tokenization.py`, `encode_pieces`). The second encoding begins with the space symbol, also in the
middle of a word: the code that should remove it compares text with bytes, which are never equal
under Python 3. The released weights were trained on such ids, so this module makes the same ones.

The replacement depends on the piece alone, so it is a table.
"""

import sentencepiece
import tensorflow as tf

from preprocess.normalization import ragged_rows
from preprocess.vocabulary import sentencepiece_model


class DigitComma(tf.Module):
    """Replaces every piece that ends in a digit and a comma by two or more parts."""

    def __init__(
        self,
        parts: dict[int, list[int]],
        *,
        sizes: dict[int, list[int]],
        starts_word: dict[int, bool],
    ) -> None:
        """Makes the tables.

        Args:
          parts: the ids of a piece's parts, by the piece's id.
          sizes: the UTF-8 bytes of each part without space symbols, by the piece's id.
          starts_word: whether a piece begins with the space symbol, by its id.
        """
        super().__init__()
        self._keys = sorted(parts)
        self._parts = [parts[key] for key in self._keys]
        self._spaces = [[int(starts_word[key])] * len(parts[key]) for key in self._keys]
        # Bytes from a part's start, and from its limit, to the piece's limit.
        self._starts = [_from_the_right(sizes[key], inclusive=True) for key in self._keys]
        self._limits = [_from_the_right(sizes[key], inclusive=False) for key in self._keys]

    @classmethod
    def from_model(
        cls, model: sentencepiece_model.SentencePieceModel, *, keep_space: bool = True
    ) -> "DigitComma | None":
        """Returns the table of a vocabulary; None if it has no such piece, or no piece `,`.

        Args:
          model: the vocabulary.
          keep_space: whether the second encoding keeps its space symbol in the middle of a word;
            transformers' AlbertTokenizer removes it.
        """
        processor = sentencepiece.SentencePieceProcessor(model_proto=model.proto)
        parts, sizes, starts_word = {}, {}, {}
        for piece_id, piece in enumerate(model.pieces):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit() and "," in model.pieces:
                rest = processor.encode(
                    piece[:-1].replace(sentencepiece_model.SPACE, ""), out_type=str
                )
                if not (keep_space or piece.startswith(sentencepiece_model.SPACE)):
                    rest = _without_space(rest)
                parts[piece_id] = [processor.piece_to_id(part) for part in (*rest, ",")]
                sizes[piece_id] = [
                    len(p.replace(sentencepiece_model.SPACE, "").encode("utf-8"))
                    for p in (*rest, ",")
                ]
                starts_word[piece_id] = piece.startswith(sentencepiece_model.SPACE)
        return cls(parts, sizes=sizes, starts_word=starts_word) if parts else None

    def ids(self, ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the ids, int32 [B, (tokens)], after the second split."""
        indices = self._indices(ids.values)
        table = tf.constant([part for parts in self._parts for part in parts], tf.int32)
        values = tf.gather(tf.concat([ids.values, table], axis=0), indices.values)
        splits = tf.gather(indices.row_splits, ids.row_splits)
        return tf.RaggedTensor.from_row_splits(values, splits, validate=False)

    def ids_with_offsets(
        self, ids: tf.RaggedTensor, starts: tf.RaggedTensor, limits: tf.RaggedTensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Returns ids, starts and limits, [B, (tokens)] each, after the second split.

        The first part keeps the piece's start and thus the space before a word. If SentencePiece
        dropped a character beside the piece, every part gets all the bytes of the piece.
        """
        indices = self._indices(ids.values)
        split = self.ids(ids)
        owner = ragged_rows.of(indices)
        is_first = tf.concat([[True], owner[1:] != owner[:-1]], axis=0)[: tf.size(owner)]
        from_right = (tf.zeros_like(ids.values), indices.values)
        piece_starts = tf.gather(starts.values, owner)
        piece_limits = tf.gather(limits.values, owner)
        whole = [[starts[0]] * len(starts) for starts in self._starts]
        slack = piece_limits - piece_starts - _lookup(whole, *from_right)
        spaces = _lookup(self._spaces, *from_right)  # an upper bound: texts may start without one
        is_exact = (indices.values >= tf.size(ids.values)) & (slack >= 0) & (slack <= spaces)
        new_starts = piece_limits - _lookup(self._starts, *from_right)
        new_starts = tf.where(is_exact & ~is_first, new_starts, piece_starts)
        new_limits = piece_limits - _lookup(self._limits, *from_right)
        new_limits = tf.where(is_exact, new_limits, piece_limits)
        return split, split.with_values(new_starts), split.with_values(new_limits)

    def _indices(self, ids: tf.Tensor) -> tf.RaggedTensor:
        """Returns the indices of each id's parts in the ids [T] followed by the table."""
        keys = tf.constant(self._keys, tf.int32)
        lengths = [len(parts) for parts in self._parts]
        firsts = [sum(lengths[:i]) for i in range(len(lengths))]
        row = tf.minimum(tf.searchsorted(keys, ids), len(self._keys) - 1)  # [T]
        is_key = tf.gather(keys, row) == ids
        size = tf.size(ids)
        start = tf.where(is_key, size + tf.gather(tf.constant(firsts), row), tf.range(size))
        length = tf.where(is_key, tf.gather(tf.constant(lengths), row), 1)
        return tf.ragged.range(start, start + length, row_splits_dtype=tf.int64)


def _without_space(pieces: list[str]) -> list[str]:
    """Returns pieces without a space symbol at the start."""
    first = pieces[0].removeprefix(sentencepiece_model.SPACE)
    return [first, *pieces[1:]] if first else pieces[1:]


def _from_the_right(sizes: list[int], *, inclusive: bool) -> list[int]:
    return [sum(sizes[i if inclusive else i + 1 :]) for i in range(len(sizes))]


def _lookup(table: list[list[int]], plain: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    """Returns int64 values at the indices of `plain` followed by the table's entries."""
    flat = tf.constant([entry for row in table for entry in row], tf.int32)
    return tf.cast(tf.gather(tf.concat([plain, flat], axis=0), indices), tf.int64)
