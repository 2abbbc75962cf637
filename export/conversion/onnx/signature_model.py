"""One signature of an encoder or a text model as a model of ONNX.

Example:
    model = signature_model.make(signature, source=source, quantize="none")
"""

from typing import Any

import numpy as np

from configs import hub_api
from export.conversion import source as sources
from export.conversion.onnx import encoder_graph, head_graphs, quantization, text_graph
from export.conversion.onnx.graph_builder import GraphBuilder
from export.conversion.text import text_source

_BATCH, _CHOICES, _LENGTH, _PREDICTIONS, _STARTS = (
    "batch",
    "choices",
    "sequence",
    "predictions",
    "starts",
)


def make(signature: sources.Signature, *, source: sources.Source, quantize: str) -> Any:
    """Returns the model, an `onnx.ModelProto`.

    Args:
      signature: which one.
      source: where the weights come from.
      quantize: one of `quantization.FORMS`.
    """
    if isinstance(source, text_source.TextModel):
        return text_graph.make(signature, source=source, quantize=quantize)
    is_choice = signature.head == hub_api.CHOOSE
    by_position = [_BATCH, _CHOICES, _LENGTH] if is_choice else [_BATCH, _LENGTH]
    shapes = dict.fromkeys(signature.inputs, by_position)
    if hub_api.MASKED_LM_POSITIONS in shapes:
        shapes[hub_api.MASKED_LM_POSITIONS] = [_BATCH, _PREDICTIONS]
    graph = GraphBuilder(shapes)
    weights = quantization.FORMS[quantize](graph)
    inputs = graph.inputs
    if is_choice:
        inputs = {name: graph.reshape(name, -1, graph.dimensions(name, 2)) for name in inputs}
    of_encoder = encoder_graph.Encoder(
        graph, weights, variables=source.variables, config=source.config
    )
    inputs = of_encoder.checked(inputs)
    encode = of_encoder.unpadded if signature.is_unpadded else of_encoder.padded
    encoded = encode(inputs)
    outputs = {
        hub_api.DEFAULT: encoded.default,
        hub_api.POOLED_OUTPUT: encoded.default,
        hub_api.SEQUENCE_OUTPUT: encoded.sequence_output,
    }
    if signature.head is not None:
        head = head_graphs.Head(
            graph=graph,
            weights=weights,
            variables=source.variables,
            config=source.config,
            inputs=inputs,
            encoded=encoded,
            unpadded=signature.is_unpadded,
        )
        outputs |= head_graphs.write(signature.head, head, by_beam=signature.by_beam)
    if is_choice:
        shape = graph.dimensions(hub_api.INPUT_WORD_IDS, 0, 2)  # [B, N]
        outputs[hub_api.LOGITS] = graph.reshape(outputs[hub_api.LOGITS], shape)
    described = _described(signature, source)
    written = {name: (outputs[name], *described[name]) for name in signature.outputs}
    return graph.model(written, name=signature.name)


def _described(
    signature: sources.Signature, source: sources.Source
) -> dict[str, tuple[type[np.generic], list[str | int]]]:
    """Returns types and dimensions of all outputs that there may be."""
    config = source.config
    labels = source.labels(signature.head)
    logits: dict[str | None, list[str | int]] = {
        hub_api.CLASSIFY: [_BATCH, labels],
        hub_api.TAG: [_BATCH, _LENGTH, labels],
        hub_api.CHOOSE: [_BATCH, _CHOICES],
    }
    by_position: list[str | int] = [_BATCH, _LENGTH]
    ends: list[str | int] = [_BATCH, _STARTS, _LENGTH] if signature.by_beam else by_position
    shapes: dict[str, list[str | int]] = {
        hub_api.DEFAULT: [_BATCH, config.hidden_size],
        hub_api.POOLED_OUTPUT: [_BATCH, config.hidden_size],
        hub_api.SEQUENCE_OUTPUT: [_BATCH, _LENGTH, config.hidden_size],
        hub_api.MLM_LOGITS: [_BATCH, _PREDICTIONS, config.vocab_size],
        hub_api.SOP_LOGITS: [_BATCH, 2],
        hub_api.LOGITS: logits.get(signature.head, []),
        hub_api.START_LOGITS: by_position,
        hub_api.END_LOGITS: ends,
        hub_api.START_POSITIONS: [_BATCH, _STARTS],
        hub_api.CLS_LOGITS: [_BATCH],
    }
    integers = (hub_api.START_POSITIONS,)
    return {
        name: (np.int32 if name in integers else np.float32, shape)
        for name, shape in shapes.items()
    }
