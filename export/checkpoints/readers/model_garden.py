"""Model Garden's object checkpoints: an encoder, or a pretrainer under any name.

    tensors = model_garden.canonical(tensors, "albert/ckpt-1")

The encoder is found by what it looks like, not by the name it was saved under (`encoder`, `model`,
`encoder/encoder_network`): a pretrainer that was saved under the converter's default name has
another object tree than one that was saved as `model`.
"""

from collections.abc import Mapping

from configs import errors
from export.checkpoints import lazy_checkpoint
from export.checkpoints.readers import object_graph, tensorflow_checkpoint

_LAYER = "layer_with_weights-"
# The Transformer block, which no other encoder of Model Garden has in this place.
_BLOCK = (f"{_LAYER}5", "_attention_layer")
_MASKED_LM = "masked_lm"


def canonical(
    tensors: Mapping[str, lazy_checkpoint.LazyTensor], location: str
) -> dict[str, lazy_checkpoint.LazyTensor]:
    """Returns the tensors of a checkpoint by canonical name (`encoder/...`, `masked_lm/...`).

    Whatever belongs to neither keeps its key, without the suffix of variables.

    Raises:
      errors.CheckpointError: no ALBERT encoder, or more than one, is in it.
    """
    graph = object_graph.ObjectGraph.from_checkpoint(tensors, location)
    encoders = {node for node in graph.walk() if graph.child(node, *_BLOCK) is not None}
    if len(encoders) != 1:
        raise errors.CheckpointError(
            f"checkpoint {location!r} holds {len(encoders)} Model Garden ALBERT encoders; "
            "it must hold one"
        )
    found = {}
    for name, child in graph.children[encoders.pop()].items():
        if name.startswith(_LAYER):
            for path, key in graph.paths_below(child).items():
                found[f"encoder/{name}/{path}"] = tensors[key]
    heads = {
        graph.children[node][_MASKED_LM]
        for node in graph.walk()
        if _MASKED_LM in graph.children[node]
    }
    if len(heads) > 1:
        raise errors.CheckpointError(
            f"checkpoint {location!r} holds {len(heads)} masked language model heads"
        )
    for head in heads:
        for path, key in graph.paths_below(head).items():
            found[f"{_MASKED_LM}/{path}"] = tensors[key]
    taken = {tensor.name for tensor in found.values()}
    for key, tensor in tensors.items():
        if key not in taken and key != tensorflow_checkpoint.OBJECT_GRAPH:
            found[key.removesuffix(object_graph.VALUE_SUFFIX)] = tensor
    return found
