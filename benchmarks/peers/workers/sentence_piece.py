"""The sentencepiece library: ids only, without case folding, special tokens or padding."""

from collections.abc import Mapping

import sentencepiece

from benchmarks.peers.workers import model


def make(options: Mapping[str, str]) -> "SentencePiece":
    return SentencePiece(options["model"])


class SentencePiece:
    """A processor."""

    def __init__(self, path: str) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_file=path)

    def preprocess(self, texts: list[str]) -> model.Call:
        return lambda: self._processor.encode(texts, num_threads=model.NUM_THREADS)
