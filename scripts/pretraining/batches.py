"""From text files to an endless dataset of masked batches, as a graph whose position can be saved.

Example:
    dataset = batches.masked(settings, preprocessor=preprocessor)
    batch = next(iter(dataset))
    batch["input_word_ids"]  # [B, S]

Everything depends on the seed alone: the order of the files and of the rows, the segments that are
swapped, and the tokens that are masked.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from configs import hub_api
from scripts.pretraining import segments
from scripts.pretraining.settings import Settings

ORDER_LABELS = "order_labels"  # int32 [B], 1 for segments that were swapped
ORDER_WEIGHTS = "order_weights"  # float32 [B], 0 for rows of a single segment

_LINES = 256  # that are tokenized together
_FILES = 16  # that are read in turn
_SHUFFLED_ROWS = 10_000

Batch = Mapping[str, tf.Tensor]


def masked(settings: Settings, *, preprocessor: Any) -> tf.data.Dataset:
    """Returns an endless dataset of batches; an empty one if there is no text.

    Args:
      settings: of the training.
      preprocessor: the loaded preprocessor.

    Returns:
      Batches by name: the inputs of `.mlm` int32 [B, S] and [B, P], `masked_lm_ids` [B, P] and
      `masked_lm_weights` float32 [B, P]; with `sop` also `order_labels` and `order_weights`. P is
      the largest number of predictions of a row.
    """
    split, pack = _passages(settings, preprocessor)
    if settings.sop:
        split, pack = _documents(settings, preprocessor)

    @tf.autograph.experimental.do_not_convert
    def finish(number: tf.Tensor, rows: Batch) -> Batch:
        seed = tf.stack([tf.constant(settings.seed, tf.int64), number])
        packed = pack(rows, tf.random.experimental.stateless_fold_in(seed, 1))
        order = {name: packed.pop(name) for name in (ORDER_LABELS, ORDER_WEIGHTS) if settings.sop}
        return {**_without_padding(preprocessor.mask_lm(packed, seed)), **order}

    dataset = rows_of(settings, split=split)
    dataset = dataset.shuffle(_SHUFFLED_ROWS, seed=settings.seed).repeat()
    dataset = dataset.batch(settings.batch_size).enumerate().map(finish).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()
    options.deterministic = True
    # Its thread keeps the process for seconds after the last step, and only a prefetch is tuned.
    options.autotune.enabled = False
    # Checkpoints of iterators refuse resources such as the preprocessor's tables: these are
    # constants.
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return dataset.with_options(options)


def has_pairs(settings: Settings, *, preprocessor: Any) -> bool:
    """Returns whether any row has two segments."""
    rows = rows_of(settings, split=_documents(settings, preprocessor)[0])
    found = rows.filter(lambda row: tf.reduce_max(row[segments.LINES]) > 1).take(1)
    return any(True for _ in found)


def rows_of(settings: Settings, *, split: Callable[[tf.Tensor], Batch]) -> tf.data.Dataset:
    """Returns the rows of all files once, of several files in turn; `split` makes them of lines."""

    @tf.autograph.experimental.do_not_convert
    def rows(path: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TextLineDataset(path).batch(_LINES).map(split).unbatch()

    paths = tf.data.Dataset.from_tensor_slices(list(settings.text_files))
    paths = paths.shuffle(len(settings.text_files), seed=settings.seed)
    return paths.interleave(rows, cycle_length=_FILES)


_Pack = Callable[[Batch, tf.Tensor], dict[str, tf.Tensor]]


def _passages(settings: Settings, preprocessor: Any) -> tuple[Callable[[tf.Tensor], Batch], _Pack]:
    """Returns functions for text with a passage per line: split lines into rows; pack rows."""
    seq_length = settings.seq_length

    @tf.autograph.experimental.do_not_convert
    def split(lines: tf.Tensor) -> Batch:
        tokens = preprocessor.tokenize(lines)
        tokens = tf.ragged.boolean_mask(tokens, tokens.row_lengths() > 0)
        packed, _ = preprocessor.split_windows(tokens, seq_length, seq_length - 2)
        return packed

    return split, lambda rows, seed: dict(rows)


def _documents(settings: Settings, preprocessor: Any) -> tuple[Callable[[tf.Tensor], Batch], _Pack]:
    """Returns functions for text with a sentence per line: split lines into rows; pack rows."""
    seq_length = settings.seq_length

    @tf.autograph.experimental.do_not_convert
    def split(lines: tf.Tensor) -> Batch:
        return segments.rows(preprocessor.tokenize(lines), size=seq_length - 3)

    def pack(rows: Batch, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        first, second, is_swapped, is_pair = segments.draw(rows, seed)
        pairs = preprocessor.bert_pack_inputs([first, second], seq_length)
        single = preprocessor.bert_pack_inputs(first, seq_length)
        packed = {
            name: tf.where(is_pair[:, tf.newaxis], pairs[name], single[name])
            for name in hub_api.ENCODER_INPUTS
        }
        packed[ORDER_LABELS] = tf.cast(is_swapped, tf.int32)
        packed[ORDER_WEIGHTS] = tf.cast(is_pair, tf.float32)
        return packed

    return split, pack


def _without_padding(masked_batch: Batch) -> dict[str, tf.Tensor]:
    """Returns the batch without the columns of predictions that no row uses."""
    weights = masked_batch[hub_api.MASKED_LM_WEIGHTS]
    most = tf.cast(tf.reduce_max(tf.reduce_sum(weights, axis=1)), tf.int32)
    names = (hub_api.MASKED_LM_POSITIONS, hub_api.MASKED_LM_IDS, hub_api.MASKED_LM_WEIGHTS)
    return {**masked_batch, **{name: masked_batch[name][:, :most] for name in names}}
