"""The normalizers of Hugging Face's `tokenizers`, in the graph.

normalize = hugging_face.HuggingFaceNormalization(tokenizer.steps, spaces_only=True)
normalized = normalize(texts)  # string [B]
"""

import itertools
import re
from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_text as text

from preprocess.normalization import (
    ascii_rows,
    character_map,
    code_points,
    offsets,
    original,
    pieces,
    tf_hub,
    unicode_sets,
)
from preprocess.vocabulary import hugging_face, sentencepiece_model

_Form = Callable[[tf.Tensor], tf.Tensor]
_WHITE_SPACE = f"[{unicode_sets.WHITE_SPACE}]"
_WHITE_SPACE_OR_SYMBOL = f"[{unicode_sets.WHITE_SPACE}{sentencepiece_model.SPACE}]"
# Characters that may change, or be changed by, the character before them.
_JOINING = rf"{tf_hub.JOINING}|[\x{{e33}}\x{{eb3}}\x{{1f3fb}}-\x{{1f3ff}}]"
_NEWLY_DECOMPOSED = f"[{unicode_sets.NEWLY_DECOMPOSED}]"
_CONTROLS = (*range(0x20), 0x7F)
_DECOMPOSED = ("NFD", "NFKD")


class HuggingFaceNormalization(tf.Module):
    """Carries out the steps of a tokenizer's normalization."""

    def __init__(self, steps: Sequence[hugging_face.Step], *, spaces_only: bool) -> None:
        """Makes the tables.

        Args:
          steps: what is done, in order.
          spaces_only: whether all white space, and SentencePiece's symbol for a space, becomes
            spaces in the end.

        Raises:
          ValueError: another step comes before a `Replace`.
        """
        super().__init__()
        replaces = [step for step in steps if isinstance(step, hugging_face.Replace)]
        others = steps[len(replaces) :]
        if list(steps[: len(replaces)]) != replaces:
            raise ValueError("every Replace must come before the other steps")
        # First, for any text: they may put other characters in the place of ASCII.
        self._replacements = [_replace(re.escape(step.old), step.new) for step in replaces]
        # For any text, and for ASCII: (form, form).
        self._forms: list[tuple[_Form, _Form | None]] = []
        self._maps: list[character_map.CharacterMap] = []
        for step, following in itertools.zip_longest(others, others[1:]):
            self._forms.append(self._forms_of(step, following))
        if spaces_only:
            self._forms.append(_same(_replace(_WHITE_SPACE_OR_SYMBOL, " ")))
        self._joining = code_points.CodePointSet.matching(_JOINING)
        self._replaced = sorted({ord(char) for step in replaces for char in step.old})
        # ASCII characters that need not keep their one byte.
        self._unstable = sorted({*self._replaced, *_CONTROLS})
        # Traced once, however often a graph calls it. Behind a lambda, it is saved where it is
        # called, and is no attribute of the artifact.
        normalize = tf.function(
            self._normalize, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
        )
        self._shared = lambda texts: normalize(texts)

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns the normalized texts, string [B], of string [B]."""
        return self._shared(texts)

    def _normalize(self, texts: tf.Tensor) -> tf.Tensor:
        texts = _apply(self._replacements, texts)
        forms = [form for form, _ in self._forms]
        ascii_forms = [form for _, form in self._forms if form]
        if len(ascii_forms) < len(forms):
            return _apply(forms, texts)
        return ascii_rows.split(
            texts,
            ascii_form=lambda strings: _apply(ascii_forms, strings),
            other_form=lambda strings: _apply(forms, strings),
        )

    def align(self, texts: tf.Tensor) -> offsets.Units:
        """Returns the parts of the texts, string [B], that are normalized independently."""
        characters = offsets.Characters.from_strings(texts)
        points = characters.code_points
        before = tf.concat([tf.zeros_like(points[:1]), points[:-1]], axis=0)
        joins = self._joining.contains(points) | ((before == 0x0D) & (points == 0x0A))
        if self._replaced:
            joins |= _is_one_of(points, self._replaced) & _is_one_of(before, self._replaced)
        return offsets.units(
            characters,
            joins=joins,
            normalize=self,
            unstable=_is_one_of(points, self._unstable),
        )

    def _forms_of(
        self, step: hugging_face.Step, following: hugging_face.Step | None
    ) -> tuple[_Form, _Form | None]:
        """Returns a form for any text and one for ASCII, which it keeps; None if there is none."""
        if isinstance(step, hugging_face.MapCharacters):
            self._maps.append(character_map.CharacterMap(step.rules))
            return self._maps[-1], self._maps[-1].ascii_form
        if isinstance(step, hugging_face.Unicode):
            return _unicode(step.form, following), tf.identity
        if isinstance(step, hugging_face.RemoveMarks):
            return _replace(_MARKS[step.marks](), ""), tf.identity
        if isinstance(step, hugging_face.Lowercase):
            return original.lower_characters, tf.strings.lower
        return _same(_SIMPLE[type(step)](step))


_MARKS = {
    hugging_face.Marks.ALL: unicode_sets.marks,
    hugging_face.Marks.NONSPACING: unicode_sets.nonspacing_marks,
}


def _apply(forms: Sequence[_Form], texts: tf.Tensor) -> tf.Tensor:
    for form in forms:
        texts = form(texts)
    return texts


def _same(form: _Form) -> tuple[_Form, _Form]:
    return form, form


def _replace(pattern: str, content: str) -> _Form:
    rewrite = content.replace("\\", r"\\")
    return lambda texts: tf.strings.regex_replace(texts, pattern, rewrite)


def _unicode(form: str, following: hugging_face.Step | None) -> _Form:
    def normalize(texts: tf.Tensor) -> tf.Tensor:
        return tf.cond(
            tf.reduce_any(tf.strings.regex_full_match(texts, f"(?s).*{_NEWLY_DECOMPOSED}.*")),
            lambda: _but_for_new_characters(texts, form),
            lambda: text.normalize_utf8(texts, form),
        )

    if not isinstance(following, hugging_face.RemoveMarks) or form not in _DECOMPOSED:
        return normalize
    # Once more, and earlier, than the library: to order a million marks would take minutes. Where a
    # letter and its mark are composed first, the letter keeps it.
    strip = _replace(_MARKS[following.marks](), "")
    return lambda texts: normalize(strip(texts))


def _but_for_new_characters(texts: tf.Tensor, form: str) -> tf.Tensor:
    """Returns the normalized texts with those characters as they are that Unicode 9 left alone."""
    cut = pieces.split(texts, _NEWLY_DECOMPOSED)
    contents = cut.contents(texts)
    is_new = tf.strings.regex_full_match(contents, _NEWLY_DECOMPOSED)
    return pieces.joined(
        texts, cut, tf.where(is_new, contents, text.normalize_utf8(contents, form))
    )


def _clean(texts: tf.Tensor) -> tf.Tensor:
    return _replace(_WHITE_SPACE, " ")(_replace(unicode_sets.controls(), "")(texts))


def _separate(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(texts, f"([{unicode_sets.IDEOGRAPHS}])", r" \1 ")


_SIMPLE: dict[type, Callable[..., _Form]] = {
    hugging_face.CleanText: lambda step: _clean,
    hugging_face.SeparateIdeographs: lambda step: _separate,
}


def _is_one_of(points: tf.Tensor, wanted: Sequence[int]) -> tf.Tensor:
    return tf.reduce_any(points[:, tf.newaxis] == tf.constant(wanted, points.dtype), axis=1)
