"""The sentencepiece library: ids only, without case folding, special tokens or padding."""

from collections.abc import Mapping

import sentencepiece

from benchmarks.peers.workers import model


class SentencePiece:
    """A processor."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_file=options["model"])

    def preprocess(self, texts: list[str]) -> model.Call:
        return lambda: self._processor.encode(texts, num_threads=model.NUM_THREADS)


make = SentencePiece
