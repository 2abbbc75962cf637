"""A cheap way for the rows of a batch that are plain ASCII, which most English text is.

Example:
    normalized = ascii_rows.split(sentences, ascii_form=tf.strings.lower, other_form=fold)
"""

from collections.abc import Callable

import tensorflow as tf

Form = Callable[[tf.Tensor], tf.Tensor]


def split(sentences: tf.Tensor, *, ascii_form: Form, other_form: Form) -> tf.Tensor:
    """Returns string [B], each row from the function for its kind.

    Args:
      sentences: string [B].
      ascii_form: from string [B] to string [B]; run on all rows.
      other_form: from string [O] to string [O]; run on the rows with other bytes than ASCII.
    """
    is_ascii = tf.strings.regex_full_match(sentences, r"[\x00-\x7f]*")
    others = tf.where(~is_ascii)  # [O, 1]
    return tf.tensor_scatter_nd_update(
        ascii_form(sentences), others, other_form(tf.gather_nd(sentences, others))
    )
