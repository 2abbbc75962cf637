"""Normalizes the ASCII rows of a batch, which are most of English text, by a cheaper function.

Example:
    normalized = ascii_rows.split(sentences, ascii_form=tf.strings.lower, other_form=fold)
"""

from collections.abc import Callable

import tensorflow as tf

Form = Callable[[tf.Tensor], tf.Tensor]


def split(sentences: tf.Tensor, *, ascii_form: Form, other_form: Form) -> tf.Tensor:
    """Returns string [B]: `ascii_form` of the ASCII rows and `other_form` of the others.

    Args:
      sentences: string [B].
      ascii_form: from string [B] to string [B]; gets all rows.
      other_form: from string [O] to string [O]; gets the rows that are not ASCII.
    """
    is_ascii = tf.strings.regex_full_match(sentences, r"[\x00-\x7f]*")
    others = tf.where(~is_ascii)  # [O, 1]
    return tf.tensor_scatter_nd_update(
        ascii_form(sentences), others, other_form(tf.gather_nd(sentences, others))
    )
