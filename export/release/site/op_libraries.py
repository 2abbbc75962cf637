"""The libraries of TensorFlow Text that register its ops where no Python imports the package.

Example:
    op_libraries.names(["CaseFoldUTF8", "SentencepieceOp"])
    # ["_normalize_ops.so", "_sentencepiece_tokenizer.so"]

They are in the folder `tensorflow_text/python/ops` of the package.
"""

from collections.abc import Iterable

_OPS = {
    "_normalize_ops.so": (
        *("CaseFoldUTF8", "FindSourceOffsets"),
        *("NormalizeUTF8", "NormalizeUTF8WithOffsetsMap"),
    ),
    "_regex_split_ops.so": ("RegexSplitWithOffsets",),
    "_sentencepiece_tokenizer.so": (
        *("SentencepieceOp", "SentencepieceTokenizeOp", "SentencepieceTokenizeWithOffsetsOp"),
        *("SentencepieceDetokenizeOp", "SentencepieceIdToStringOp"),
        *("SentencepieceStringToIdOp", "SentencepieceVocabSizeOp"),
    ),
    "_wordpiece_tokenizer.so": ("WordpieceTokenizeWithOffsets",),
}


def names(ops: Iterable[str]) -> list[str]:
    """Returns the libraries that register these ops; none if one of the ops is not known."""
    known = {op: library for library, of_library in _OPS.items() for op in of_library}
    found = [known.get(op) for op in ops]
    return sorted({library for library in found if library}) if all(found) else []
