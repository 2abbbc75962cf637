"""The sets of characters that Hugging Face's `tokenizers` has, as regular expressions of RE2.

    tf.strings.regex_replace(texts, unicode_sets.marks(), "")

Its crates have tables of older versions of Unicode than RE2. What these versions did not know is
taken out of RE2's own sets. `tests/preprocess/normalization/test_unicode_sets.py` compares every
character with the library.
"""

from preprocess.normalization import code_points

# Characters of White_Space, which Rust's `char::is_whitespace` and `\s` have; of one character
# class, without its brackets.
WHITE_SPACE = (
    r"\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}"
    r"\x{3000}"
)
# Characters of Rust's `\w`: Alphabetic, marks, decimal digits, connectors and joiners.
WORD = (
    r"\pL\pM\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}"
    r"\x{1f150}-\x{1f169}\x{1f170}-\x{1f189}"
)
# Chinese characters as BERT has them, in one character class.
IDEOGRAPHS = (
    r"\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{2a6df}\x{2a700}-\x{2b81f}"
    r"\x{2b920}-\x{2ceaf}\x{2f800}-\x{2fa1f}"
)

# Characters to which Unicode 10 to 17 gave a decomposition, in one character class.
NEWLY_DECOMPOSED = (
    r"\x{32ff}\x{a7f2}-\x{a7f4}\x{ab69}\x{105c9}\x{105e4}\x{10781}-\x{107ba}\x{11383}-\x{11391}"
    r"\x{113c5}-\x{113c8}\x{11938}\x{16121}-\x{16128}\x{16d68}-\x{16d6a}\x{1ccd6}-\x{1ccf9}"
    r"\x{1e030}-\x{1e06d}\x{1f16c}\x{1fbf0}-\x{1fbf9}"
)

# Between marks of Unicode 9, in which newer ones were put.
_NEWER_MARKS = """
    7fd 898-8d3 9fe afa-aff b55 c04-c3c cf3-d00 d3b-d3c d81 eba ece 1715 180f 1abf-1ace 1cf7
    1df6-1dfa a82c a8ff 10d24-10f85 11070-11074 110c2 11145-11146 111c9 111ce-111cf 11241 1133b
    1145e 1182c-11a99 11d31-13455 16f4f 16f7f-16f87 16fe4-16ff1 1cf00-1cf46 1e08f-1e4ef
"""
# They were marks until Unicode 12.
_OLDER_MARKS = "1cf2-1cf3"
# The same for nonspacing marks and punctuation of Unicode 8.
_NEWER_NONSPACING = """
    7fd 898-8e1 9fe afa-aff b55 c04-c3c d00 d3b-d3c d81 eba ece 180f-1886 1abf-1ace 1df6-1dfb a82c
    a8c5 a8ff a9bd 10d24-10f85 11070-11074 110c2 111c9 111cf 1123e-11241 1133b 11438-1145e
    1182f-13455 16f4f 16fe4 1cf00-1cf46 1e000-1e4ef 1e944-1e94a
"""
_OLDER_NONSPACING = "1734"
_NEWER_PUNCTUATION = """
    61d 9fd-a76 c77-c84 1b7d-1b7e 2e43-2e5d 10ead-10f89 1144b-1145d 11660-116b9 1183b-11fff
    12ff1-12ff2 16e97-16fe2 1e95e-1e95f
"""
_OLDER_PUNCTUATION = "111c9 166d"
# Control characters that are not removed, the last two because Unicode 8 did not know them.
_KEPT_CONTROLS = "9-a d 890-8e2 110cd-1343f"
_REPLACEMENT_CHARACTER = "fffd"


def marks() -> str:
    """Returns the accents of the normalizer `StripAccents`."""
    return _without(r"\pM", _NEWER_MARKS, _OLDER_MARKS)


def nonspacing_marks() -> str:
    """Returns the accents of the normalizer `BertNormalizer`."""
    return _without(r"\p{Mn}", _NEWER_NONSPACING, _OLDER_NONSPACING)


def punctuation() -> str:
    """Returns the punctuation of the pre-tokenizer `BertPreTokenizer`."""
    return _without(r"[\pP[:punct:]]", _NEWER_PUNCTUATION, _OLDER_PUNCTUATION)


def controls() -> str:
    """Returns what `clean_text` of `BertNormalizer` removes."""
    return _without(r"[\p{Cc}\p{Cf}\p{Co}]", _KEPT_CONTROLS, _REPLACEMENT_CHARACTER)


def _without(pattern: str, absent: str, present: str) -> str:
    """Returns the pattern of one character without some ranges, and with others."""
    members = code_points.members(pattern) & ~code_points.in_ranges(absent)
    return code_points.CodePointSet(members | code_points.in_ranges(present)).pattern()
