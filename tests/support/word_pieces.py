"""A small WordPiece vocabulary, and BERT's tokenizer in plain Python.

Example:
    path = word_pieces.write(folder)
    word_pieces.tokenize("hello", pieces=word_pieces.PIECES)  # ids
"""

import pathlib
import unicodedata

_LETTERS = [chr(c) for c in range(ord("a"), ord("z") + 1)]
PIECES = [
    *["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    *_LETTERS,
    *[f"##{letter}" for letter in _LETTERS if letter not in "qx"],
    *["the", "river", "rose", "slow", "##ly", "un", "##aff", "##able", "cafe", "##ing", "strasse"],
    *[*"0123456789.,!?'-()", "19", "##80", "##8", "##0"],
    *["\u4f60", "\u597d", "\u4e16", "\u754c", "\u3002", "\uff0c", "\u2028"],
]


def write(folder: pathlib.Path) -> str:
    """Writes the vocabulary and returns its path."""
    path = folder / "vocab.txt"
    path.write_text("".join(f"{piece}\n" for piece in PIECES), encoding="utf-8")
    return str(path)


def tokenize(text: str) -> list[int]:
    """Returns the ids by the BERT paper's rules: words first, then the longest pieces of words."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text.casefold()))
    cleaned = []
    for char in folded:
        if unicodedata.category(char) == "Mn":
            continue
        if unicodedata.category(char) in ("Cc", "Cf") or char.isspace():
            cleaned.append(" ")
        elif unicodedata.category(char).startswith("P") or _is_symbol(char) or _is_ideograph(char):
            cleaned.append(f" {char} ")
        else:
            cleaned.append(char)
    ids = []
    for word in "".join(cleaned).split():
        ids += [PIECES.index(piece) for piece in _pieces(word)]
    return ids


def _is_symbol(char: str) -> bool:
    return char.isascii() and not char.isalnum() and not char.isspace()


def _is_ideograph(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf"


def _pieces(word: str) -> list[str]:
    found = []
    rest = word
    while rest:
        for size in range(len(rest), 0, -1):
            piece = ("##" if found else "") + rest[:size]
            if piece in PIECES:
                found.append(piece)
                rest = rest[size:]
                break
        else:
            return ["[UNK]"]
    return found
