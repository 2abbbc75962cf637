"""Hugging Face's tokenizers: case folding, ids, special tokens, cut and padded to 128."""

from collections.abc import Mapping

from benchmarks.peers.workers import model


def make(options: Mapping[str, str]) -> "HuggingFaceTokenizers":
    return HuggingFaceTokenizers(options["tokenizer"])


class HuggingFaceTokenizers:
    """A tokenizer."""

    def __init__(self, directory: str) -> None:
        self._tokenizer = model.tokenizer(directory, pad=True)

    def preprocess(self, texts: list[str]) -> model.Call:
        return lambda: self._tokenizer.encode_batch(texts)
