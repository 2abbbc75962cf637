"""Hugging Face's tokenizers: case folding, ids, special tokens, cutting and padding to 128."""

from collections.abc import Mapping

from benchmarks.peers.workers import model


class HuggingFaceTokenizers:
    """A tokenizer."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._tokenizer = model.tokenizer(options["tokenizer"], pad=True)

    def preprocess(self, texts: list[str]) -> model.Call:
        return lambda: self._tokenizer.encode_batch(texts)


make = HuggingFaceTokenizers
