"""The normalizer `Precompiled` of Hugging Face's `tokenizers`, in the graph.

    replace = character_map.CharacterMap(charsmap.read(blob))
    replaced = replace(texts)  # string [B]

SentencePiece takes the longest rule anywhere. `Precompiled` looks at one grapheme at a time: where
a rule fits the start of a grapheme of at most five bytes, the shortest such rule replaces all of
it; the characters of any other grapheme are replaced one by one.
"""

import numpy as np
import tensorflow as tf

from preprocess.normalization import code_points, ragged_rows
from preprocess.vocabulary import charsmap

# Characters that belong to the grapheme of the one before them: Extend, SpacingMark and ZWJ of
# https://unicode.org/reports/tr29, which are the marks, these, and not those. Hangul and flags are
# left out: their graphemes are longer than five bytes, so that it makes no difference.
_EXTENDING = "200c-200d e33 eb3 ff9e-ff9f 1f3fb-1f3ff e0020-e007f"
_NOT_EXTENDING = """
    102b-102c 1038 1062-1064 1067-106d 1083 1087-108c 108f 109a-109c 1a61 1a63-1a64 aa7b aa7d
    11720-11721
"""
# Characters to whose grapheme the next one belongs: Prepend.
_PREPENDED = """
    600-605 6dd 70f 890-891 8e2 d4e 110bd 110cd 111c2-111c3 1193f 11941 11a3a 11a84-11a89 11d46
    11f02
"""
# Nothing extends these, but for two joiners, tags and some of those: Control, CR and LF.
_CONTROLS = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
_NOT_CONTROLS = "200c-200d e0020-e007f"
_LIMIT = 0x110000  # above all code points
_CARRIAGE_RETURN, _LINE_FEED = 0x0D, 0x0A


class CharacterMap(tf.Module):
    """Replaces characters by other text.

    Attributes:
      ascii_form: does the same to string [B] of ASCII alone, cheaply, and gives ASCII; None if a
        character of ASCII becomes anything but a space or nothing, or CR and LF, which are one
        grapheme, do not become the same.
    """

    def __init__(self, rules: charsmap.Rules) -> None:
        """Makes the tables.

        Args:
          rules: what becomes of characters.
        """
        super().__init__()
        keys = sorted([(ord(key), 0) for key in rules.characters] + list(map(_pair, rules.pairs)))
        texts = {**rules.characters, **rules.pairs}
        contents = [texts[chr(first) + (chr(second) if second else "")] for first, second in keys]
        # As arrays: a module looks after every list that it holds.
        self._keys = np.array([first * _LIMIT + second for first, second in keys], np.int64)
        self._lengths = np.array([len(content) for content in contents], np.int32)
        self._points = np.array([ord(char) for content in contents for char in content], np.int32)
        prepended = code_points.in_ranges(_PREPENDED)
        extending = code_points.members(r"\pM") & ~code_points.in_ranges(_NOT_EXTENDING)
        extending |= code_points.in_ranges(_EXTENDING)
        controls = code_points.members(_CONTROLS) & ~code_points.in_ranges(_NOT_CONTROLS)
        self._extending = code_points.CodePointSet(extending)
        self._controls = code_points.CodePointSet(controls & ~prepended)
        self._prepended = code_points.CodePointSet(prepended)
        self._spaces, self._nothing = (_ascii_class(rules, value) for value in (" ", ""))
        is_simple = all(
            value in ("", " ") for key, value in rules.characters.items() if key.isascii()
        )
        is_simple &= rules.characters.get("\r") == rules.characters.get("\n")
        is_simple &= not any(key.isascii() for key in rules.pairs)
        self.ascii_form = self._ascii if is_simple else None
        self._spaces_of_lines = r"\r\n|" if rules.characters.get("\r") == " " else ""
        first = {key[0] for key in (*rules.characters, *rules.pairs)}
        self._may_change = _any_of({ord(key) for key in first})

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns the texts, string [B], with their characters replaced.

        Only those that have a character with a rule cost anything.
        """
        rows = tf.where(tf.strings.regex_full_match(texts, self._may_change))  # [R, 1]
        return tf.cond(
            tf.size(rows) > 0,
            lambda: tf.tensor_scatter_nd_update(texts, rows, self._all(tf.gather_nd(texts, rows))),
            lambda: texts,
        )

    def _ascii(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns ASCII texts, of whose characters some become a space and others nothing."""
        if self._spaces:
            texts = tf.strings.regex_replace(texts, self._spaces_of_lines + self._spaces, " ")
        return tf.strings.regex_replace(texts, self._nothing, "") if self._nothing else texts

    def _all(self, texts: tf.Tensor) -> tf.Tensor:
        characters = tf.strings.unicode_decode(texts, "UTF-8")
        rules = self._rules(characters)
        size = tf.size(rules)
        lengths = tf.constant(self._lengths)
        firsts = tf.cumsum(lengths, exclusive=True)
        rule = tf.maximum(rules, 0)
        # Where the new characters stand among the old ones with those of the rules behind them.
        start = tf.where(rules >= 0, size + tf.gather(firsts, rule), tf.range(size))
        count = tf.where(rules >= 0, tf.gather(lengths, rule), 1)
        count = tf.where(rules == _DROP, 0, count)
        places = tf.ragged.range(start, start + count, row_splits_dtype=tf.int64)
        replaced = tf.RaggedTensor.from_row_splits(
            tf.gather(tf.concat([characters.values, self._points], axis=0), places.values),
            tf.gather(places.row_splits, characters.row_splits),
            validate=False,
        )
        return tf.strings.unicode_encode(replaced, "UTF-8")

    def _rules(self, characters: tf.RaggedTensor) -> tf.Tensor:
        """Returns each character's rule, int32 [C]: `_KEEP`, `_DROP` or a number of a text."""
        points = characters.values  # [C]
        previous = tf.concat([[0], points[:-1]], axis=0)[: tf.size(points)]
        following = tf.concat([points[1:], [0]], axis=0)[: tf.size(points)]
        rows = ragged_rows.of(characters)
        is_first = tf.concat([[True], rows[1:] != rows[:-1]], axis=0)[: tf.size(rows)]
        joins = self._extending.contains(points) & ~self._controls.contains(previous)
        joins |= self._prepended.contains(previous) & ~self._controls.contains(points)
        joins |= (previous == _CARRIAGE_RETURN) & (points == _LINE_FEED)
        joins &= ~is_first
        grapheme = tf.cumsum(tf.cast(~joins, tf.int32)) - 1  # [C]
        sizes = tf.math.segment_sum(_utf8_bytes(points), grapheme)  # [G]
        is_short = tf.gather(sizes, grapheme) <= charsmap.MAX_BYTES  # [C]
        has_more = tf.concat([joins[1:], [False]], axis=0)[: tf.size(points)]
        own = self._find(points, tf.zeros_like(points))
        pair = tf.where(has_more & is_short & ~joins, self._find(points, following), _KEEP)
        rule = tf.where(own >= 0, own, pair)
        # Of a short grapheme whose start has a rule nothing else is left.
        leader = tf.boolean_mask(rule, ~joins)  # [G]
        return tf.where(joins & is_short & (tf.gather(leader, grapheme) >= 0), _DROP, rule)

    def _find(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """Returns the number of the rule for two code points, [C] each, the second 0 for none."""
        wanted = tf.cast(first, tf.int64) * _LIMIT + tf.cast(second, tf.int64)
        keys = tf.constant(self._keys)
        place = tf.minimum(tf.searchsorted(keys, wanted), len(self._keys) - 1)
        return tf.where(tf.gather(keys, place) == wanted, place, _KEEP)


_KEEP, _DROP = -1, -2


def _pair(key: str) -> tuple[int, int]:
    return ord(key[0]), ord(key[1])


def _utf8_bytes(points: tf.Tensor) -> tf.Tensor:
    return 1 + sum(tf.cast(points >= limit, tf.int32) for limit in (0x80, 0x800, 0x10000))


def _any_of(points: set[int]) -> str:
    """Returns a pattern of the strings that have one of the characters."""
    members = np.zeros([_LIMIT], bool)
    members[sorted(points)] = True
    return rf"(?s).*{code_points.CodePointSet(members).pattern()}.*"


def _ascii_class(rules: charsmap.Rules, value: str) -> str:
    """Returns a pattern of the ASCII characters that become a text, "" without any."""
    keys = [key for key, text in rules.characters.items() if text == value and key.isascii()]
    return "[" + "".join(rf"\x{{{ord(key):x}}}" for key in keys) + "]" if keys else ""
