"""The tokenizer of a text model in OpenVINO: an operator of openvino_tokenizers around a model.

Example:
    graph = GraphBuilder(text_tokenizer.inputs("sentences"))
    segment = text_tokenizer.segment(graph, "sentences", compiled)
    ...  # a graph of ONNX, which OpenVINO reads
    model = text_tokenizer.join(model, ["sentences"], compiled, prompt="")
    text_tokenizer.encode(compiled, ["Hello!"])  # [[10975, 187]]

A graph is written as for ONNX, from the numbers of pieces on. What makes them of strings is put
before it.
"""

import itertools
import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino
import openvino_tokenizers
from openvino import opset15
from openvino_tokenizers import utils

from configs import hub_api
from export.conversion import runtime_process
from export.conversion import source as sources
from export.conversion.onnx import packed_texts
from export.conversion.onnx import text_tokenizer as onnx_tokenizer
from export.conversion.onnx.graph_builder import GraphBuilder
from export.conversion.text import compiled_tokenizer

_IDS, _LENGTHS = "ids", "lengths"


def inputs(name: str) -> dict[str, list[str | int]]:
    """Returns the shapes of the inputs of the graph for the strings `name`, all int32.

    The numbers of all pieces [T], the row that each is in [T], and the number of rows [1].
    """
    tokens = f"tokens_of_{name}"
    return {f"{name}_pieces": [tokens], f"{name}_rows": [tokens], f"{name}_size": [1]}


def segment(
    graph: GraphBuilder, name: str, model: compiled_tokenizer.CompiledModel
) -> packed_texts.Segment:
    """Returns the tokens of the strings `name`."""
    pieces, rows, size = inputs(name)
    zeros = graph.full(graph.cast(size, np.int64), np.int64(0))  # [B]
    ones = graph.full(graph.dimensions(rows), np.int64(1))  # [T]
    lengths = graph.add("ScatterElements", zeros, rows, ones, axis=0, reduction="add")
    return packed_texts.Segment(
        ids=onnx_tokenizer.ids_of_pieces(graph, pieces, model),
        starts=graph.add("CumSum", lengths, np.int64(0), exclusive=1),
        lengths=lengths,
    )


def join(
    model: Any, names: Sequence[str], compiled: compiled_tokenizer.CompiledModel, *, prompt: str
) -> Any:
    """Returns an `openvino.Model` of strings [B], for one of the `inputs` of each name."""
    proto = opset15.constant(np.frombuffer(compiled.proto, np.uint8))
    given = []
    for name in names:
        strings = opset15.parameter(openvino.PartialShape([-1]), openvino.Type.string, name=name)
        strings.output(0).set_names({name})
        given.append(strings)
        found = _tokens(proto, with_prompt(strings, prompt) if prompt else strings)
        for old, new in zip(inputs(name), found, strict=True):
            for target in model.input(old).get_target_inputs():
                target.replace_source_output(new.output(0))
    return openvino.Model(model.get_results(), given, model.get_friendly_name())


def _tokens(proto: Any, strings: Any) -> list[Any]:
    """Returns what `inputs` says of strings [B]."""
    node = _create(
        "SentencepieceTokenizer",
        [proto, strings],
        {"add_bos": False, "add_eos": False, "reverse": False, "alpha": 1.0, "nbest_size": 1},
    )
    places, pieces, shape = node.outputs()  # [T, 2], [T], [2]
    rows, size = (
        opset15.convert(opset15.gather(values, opset15.constant(at), opset15.constant(axis)), "i32")
        for values, at, axis in ((places, 0, 1), (shape, [0], 0))
    )
    return [opset15.convert(pieces, "i32"), rows, size]


def with_prompt(strings: Any, prompt: str) -> Any:
    """Returns strings behind a prompt."""
    parts = opset15.string_tensor_unpack(strings).outputs()
    # The replacement is PCRE2's.
    words = [utils.create_string_constant_node(one)[0] for one in ("^", prompt.replace("$", "$$"))]
    found = _create("RegexNormalization", [*parts, *words], {"global_replace": False})
    return opset15.string_tensor_pack(*found.outputs())


def words(numbers: Any, table: Sequence[str]) -> Any:
    """Returns a node with the strings [B] that are in a table at numbers [B]."""
    ids = opset15.unsqueeze(opset15.convert(numbers, "i32"), 1)
    constants = utils.create_string_constant_node(list(table))
    *ragged, characters = _create("VocabDecoder", [ids, *constants], {}).outputs()
    return opset15.string_tensor_pack(*_create("FuzeRagged", ragged, {}).outputs(), characters)


def _create(operator: str, given: Sequence[Any], attributes: dict[str, Any]) -> Any:
    # There is no public way to these operators.
    outputs = [one.output(0) if isinstance(one, openvino.Node) else one for one in given]
    return openvino_tokenizers._get_factory().create(operator, outputs, attributes)


def encode(model: compiled_tokenizer.CompiledModel, texts: Sequence[str]) -> list[list[int]]:
    """Returns the ids of texts, in OpenVINO, in a process of its own."""
    name = hub_api.SENTENCES
    graph = GraphBuilder(inputs(name))
    found = segment(graph, name, model)
    outputs = {_IDS: (found.ids, np.int32, ["t"]), _LENGTHS: (found.lengths, np.int64, ["b"])}
    content = graph.model(outputs, name="tokenizer").SerializeToString()
    joined = join(openvino.Core().read_model(content), [name], model, prompt="")
    signature = hub_api.SERVING_DEFAULT
    with tempfile.TemporaryDirectory() as folder:
        openvino.save_model(joined, os.path.join(folder, sources.file_name(signature, ".xml")))
        given = {name: np.array(list(texts), np.str_)}
        (result,) = runtime_process.run("openvino", folder, [(signature, given)])
    bounds = np.cumsum([0, *result[_LENGTHS]]).tolist()
    return [result[_IDS][a:b].tolist() for a, b in itertools.pairwise(bounds)]
