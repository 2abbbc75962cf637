"""The tokenizer of a text model in ONNX: an operator of onnxruntime-extensions around a model.

Example:
    ids, starts = text_tokenizer.write(graph, "sentences", model)
    text_tokenizer.encode(model, ["Hello!"])  # [[10975, 187]]
"""

import itertools
import os
import tempfile
from collections.abc import Sequence

import numpy as np
import sentencepiece

from configs import hub_api
from export.conversion import runtime_process
from export.conversion import source as sources
from export.conversion.onnx.graph_builder import EXTENSIONS, GraphBuilder
from export.conversion.text import compiled_tokenizer

_IDS, _STARTS = "ids", "starts"


def write(
    graph: GraphBuilder, sentences: str, model: compiled_tokenizer.CompiledModel
) -> tuple[str, str]:
    """Returns the ids of strings [B], int32 [T], and where each text's start, int64 [B + 1].

    Args:
      graph: to write into.
      sentences: the name of the strings.
      model: a SentencePiece model that takes raw text.
    """
    off = np.array([False])
    ids, starts, _ = graph.add_many(
        "SentencepieceTokenizer",
        sentences,
        np.array([0]),  # no sampling
        np.array([0], np.float32),
        off,  # no special tokens before or behind
        off,
        off,  # not reversed
        count=3,
        domain=EXTENSIONS,
        model=model.proto,
    )
    if not model.aliases:
        return ids, starts
    size = sentencepiece.SentencePieceProcessor(model_proto=model.proto).vocab_size()
    of_pieces = np.arange(size - len(model.aliases), dtype=np.int32)
    table = np.concatenate([of_pieces, np.array(model.aliases, np.int32)])
    return graph.add("Gather", table, ids), starts


def encode(model: compiled_tokenizer.CompiledModel, texts: Sequence[str]) -> list[list[int]]:
    """Returns the ids of texts, in ONNX Runtime, in a process of its own.

    In one process, the operators of TensorFlow Text and onnxruntime-extensions crash.
    """
    graph = GraphBuilder({hub_api.SENTENCES: ["batch"]}, dtype=np.str_)
    ids, starts = write(graph, hub_api.SENTENCES, model)
    outputs = {_IDS: (ids, np.int32, ["tokens"]), _STARTS: (starts, np.int64, ["ends"])}
    content = graph.model(outputs, name="tokenizer").SerializeToString()
    signature = hub_api.SERVING_DEFAULT
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, sources.file_name(signature, ".onnx")), "wb") as file:
            file.write(content)
        inputs = {hub_api.SENTENCES: np.array(list(texts), np.str_)}
        (found,) = runtime_process.run("onnx", folder, [(signature, inputs)])
    bounds = found[_STARTS].tolist()
    return [found[_IDS][a:b].tolist() for a, b in itertools.pairwise(bounds)]
