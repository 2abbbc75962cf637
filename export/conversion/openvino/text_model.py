"""A text model as one graph of OpenVINO, from strings to labels or vectors.

Example:
    model = text_model.make(signature, source=text_model, quantize="none")

What is between the tokens and the answer is the graph of the format `onnx`.
"""

from typing import Any

import openvino

from configs import hub_api
from export.conversion import source as sources
from export.conversion.onnx import text_graph
from export.conversion.onnx.graph_builder import GraphBuilder
from export.conversion.openvino import text_tokenizer
from export.conversion.text import text_source


def make(signature: sources.Signature, *, source: text_source.TextModel, quantize: str) -> Any:
    """Returns the model, an `openvino.Model`.

    Args:
      signature: of the text model.
      source: the text model.
      quantize: one of the forms of weights in ONNX.
    """
    compiled = source.compiled.model
    names = signature.inputs
    given = {one: shape for name in names for one, shape in text_tokenizer.inputs(name).items()}
    graph = GraphBuilder(given)
    segments = [text_tokenizer.segment(graph, name, compiled) for name in names]
    outputs = text_graph.write(
        graph, segments, signature=signature, source=source, quantize=quantize
    )
    content = graph.model(outputs, name=signature.name).SerializeToString(deterministic=True)
    model = openvino.Core().read_model(content)
    model = text_tokenizer.join(model, names, compiled, prompt=source.pooling.prompt)
    if hub_api.LABEL in outputs:
        result = model.output(hub_api.LABEL).node
        labels = text_tokenizer.words(result.input_value(0), source.heads[0].labels)
        result.input(0).replace_source_output(labels.output(0))
        model.validate_nodes_and_infer_types()
    return model
