"""The tokenizer of a text model in ONNX: an operator of onnxruntime-extensions around a model.

Example:
    (segment,) = text_tokenizer.write(graph, ["sentences"], model)
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
from export.conversion.onnx import packed_texts
from export.conversion.onnx.graph_builder import EXTENSIONS, GraphBuilder
from export.conversion.text import compiled_tokenizer

_IDS, _STARTS = "ids", "starts"
_FIRST, _SECOND, _ALL = np.array([0]), np.array([1]), np.iinfo(np.int64).max
_MAX_NUL = 1000  # in a text: what is behind more of them is not seen


def write(
    graph: GraphBuilder, texts: Sequence[str], model: compiled_tokenizer.CompiledModel
) -> list[packed_texts.Segment]:
    """Returns the tokens of one or two texts of each row, with the model stored once.

    Args:
      graph: to write into.
      texts: the names of strings [B].
      model: a SentencePiece model that takes raw text.
    """
    joined = graph.add("Concat", *texts, axis=0) if len(texts) > 1 else texts[0]
    ids, ends = _ids(graph, joined, model)
    starts, limits = (
        graph.add("Slice", ends, np.array([start]), np.array([end]), _FIRST)
        for start, end in ((0, -1), (1, _ALL))
    )
    lengths = graph.add("Sub", limits, starts)
    if len(texts) == 1:
        return [packed_texts.Segment(ids=ids, starts=starts, lengths=lengths)]
    sizes = graph.add("Concat", *(graph.dimensions(text) for text in texts), axis=0)
    parts = (graph.add_many("Split", one, sizes, count=2, axis=0) for one in (starts, lengths))
    return [
        packed_texts.Segment(ids=ids, starts=start, lengths=length)
        for start, length in zip(*parts, strict=True)
    ]


def _ids(
    graph: GraphBuilder, sentences: str, model: compiled_tokenizer.CompiledModel
) -> tuple[str, str]:
    """Returns the ids of strings [B], int32 [T], and where each text's start, int64 [B + 1]."""
    off = np.array([False])
    ids, starts, _ = graph.add_many(
        "SentencepieceTokenizer",
        _without_nul(graph, sentences),
        np.array([0]),  # no sampling
        np.array([0], np.float32),
        off,  # no special tokens before or behind
        off,
        off,  # not reversed
        count=3,
        domain=EXTENSIONS,
        model=model.proto,
    )
    return ids_of_pieces(graph, ids, model), starts


def _without_nul(graph: GraphBuilder, sentences: str) -> str:
    """Returns strings [B] with a stand-in for each NUL, at which the operator would stop."""
    texts = graph.add("Concat", sentences, np.array([""]), axis=0)  # StringJoin crashes without one
    parts, number = graph.add_many("StringSplit", texts, count=2, delimiter="\0", maxsplit=_MAX_NUL)
    # Texts that are all empty have no part.
    none = graph.add("Expand", np.array([[""]]), graph.shape(graph.dimensions(texts), 1))
    parts = graph.add("Concat", parts, none, axis=1)  # [B + 1, parts + 1]
    places = graph.add("CumSum", graph.full(graph.dimensions(parts), np.int64(1)), np.int64(1))
    is_before_nul = graph.add("Less", places, graph.add("Unsqueeze", number, _SECOND))
    stand_in = np.array(compiled_tokenizer.NUL_STAND_IN)
    parts = graph.add(
        "StringConcat", parts, graph.add("Where", is_before_nul, stand_in, np.array(""))
    )
    joined = graph.add("StringJoin", parts, np.array([""]), _SECOND, domain=EXTENSIONS)
    return graph.add("Slice", joined, _FIRST, np.array([-1]), _FIRST)


def ids_of_pieces(graph: GraphBuilder, pieces: str, model: compiled_tokenizer.CompiledModel) -> str:
    """Returns the ids, int32 [T], of the numbers of pieces: the last ones stand for other ids."""
    if not model.aliases:
        return pieces
    size = sentencepiece.SentencePieceProcessor(model_proto=model.proto).vocab_size()
    of_pieces = np.arange(size - len(model.aliases), dtype=np.int32)
    table = np.concatenate([of_pieces, np.array(model.aliases, np.int32)])
    return graph.add("Gather", table, pieces)


def encode(model: compiled_tokenizer.CompiledModel, texts: Sequence[str]) -> list[list[int]]:
    """Returns the ids of texts, in ONNX Runtime, in a process of its own.

    In one process, the operators of TensorFlow Text and onnxruntime-extensions crash.
    """
    graph = GraphBuilder({hub_api.SENTENCES: ["batch"]}, dtype=np.str_)
    ids, starts = _ids(graph, hub_api.SENTENCES, model)
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
