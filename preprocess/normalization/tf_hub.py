"""The text normalization of TF Hub's ALBERT preprocessor, in the graph.

    normalize = hub_normalization.TfHubNormalization(lower_case=True)
    normalized = normalize(sentences)  # string [B]

The published preprocessor does not follow the original's `preprocess_text` to the letter; this does
what TF Hub's does, so that it gives the same ids.
"""

import tensorflow as tf
import tensorflow_text as text

from preprocess.normalization import ascii_rows, code_points, offsets

# Characters that can change or be changed by the one before them, once they are decomposed, case
# folded and composed again: marks; formatting characters that the folding drops, so that their
# neighbours meet; vowels and final consonants of Hangul in all their forms; halfwidth voicing
# marks. Every other character is normalized by itself.
JOINING = (
    r"[\pM\p{Cf}\x{115f}-\x{11ff}\x{2065}\x{3131}-\x{3164}\x{d7b0}-\x{d7ff}\x{ff9e}-\x{ffdc}"
    r"\x{fff0}-\x{fff8}\x{e0000}-\x{e0fff}]"
)
_MANY_MARKS = r"(\p{Mn}{8})\p{Mn}+"


def without_many_marks(sentences: tf.Tensor) -> tf.Tensor:
    """Returns string [B] with all but the first of many nonspacing marks in a row removed.

    They are removed later in any case, but ordering a million of them first would take minutes.
    """
    return tf.strings.regex_replace(sentences, _MANY_MARKS, r"\1")


def joining() -> code_points.CodePointSet:
    """Returns the characters that may be one with the character before them."""
    return code_points.CodePointSet.matching(JOINING)


class TfHubNormalization(tf.Module):
    """Decomposes, removes nonspacing marks, and folds case.

    The case folding is ICU's NFKC_Casefold: it also replaces compatibility characters and removes
    the default-ignorable ones, such as zero-width joiners. Marks are removed for cased vocabularies
    too, as in TensorFlow Model Garden's `export_tfhub_lib.create_preprocessing`.
    """

    def __init__(self, *, lower_case: bool, keep_accents: bool = False) -> None:
        """Makes the tables.

        Args:
          lower_case: whether to fold case.
          keep_accents: whether to neither decompose nor remove marks.
        """
        super().__init__()
        self._lower_case = lower_case
        self._keep_accents = keep_accents
        self._joining = joining()

    def __call__(self, sentences: tf.Tensor) -> tf.Tensor:
        """Returns the normalized text, string [B].

        Args:
          sentences: string [B], UTF-8. Invalid bytes become U+FFFD.
        """
        # ASCII has no marks and is folded by lower-casing, at a fraction of the cost.
        ascii_form = tf.strings.lower if self._lower_case else tf.identity
        return ascii_rows.split(sentences, ascii_form=ascii_form, other_form=self._fold)

    def _fold(self, sentences: tf.Tensor) -> tf.Tensor:
        if self._keep_accents:
            return text.case_fold_utf8(sentences) if self._lower_case else sentences
        decomposed = text.normalize_utf8(without_many_marks(sentences), "NFD")
        stripped = tf.strings.regex_replace(decomposed, r"\p{Mn}", "")
        return text.case_fold_utf8(stripped) if self._lower_case else stripped

    def align(self, sentences: tf.Tensor) -> offsets.Units:
        """Returns the parts of the sentences, string [B], that are normalized independently."""
        characters = offsets.Characters.from_strings(sentences)
        return offsets.units(
            characters, joins=self._joining.contains(characters.code_points), normalize=self
        )
