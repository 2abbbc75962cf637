"""Model Garden's object checkpoints: an encoder, or a pretrainer under any name.

    tensors = model_garden.canonical(tensors, "albert/ckpt-1")

The encoder is found by what it looks like, not by the name it was saved under (`encoder`, `model`,
`encoder/encoder_network`): a pretrainer that was saved under the converter's default name has
another object tree than one that was saved as `model`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors
from export.checkpoints import lazy_checkpoint, weight_table
from export.checkpoints.readers import object_graph, tensorflow_checkpoint

_LAYER = "layer_with_weights-"
# The Transformer block, which no other encoder of Model Garden has in this place.
_BLOCK = (f"{_LAYER}5", "_attention_layer")
_POOLER = f"encoder/{_LAYER}6"
_MASKED_LM = "masked_lm"
_HEADS = "classification_heads"
_NEXT_SENTENCE = "next_sentence"
_PARTS = ("kernel", "bias")

_Tensors = dict[str, lazy_checkpoint.LazyTensor]


def head_names(config: Mapping[str, Any] | None) -> list[str]:
    """Returns the names of the classification heads in `params.yaml`, in their order."""
    heads: Any = config
    for key in ("task", "model", "cls_heads"):
        heads = heads.get(key) if isinstance(heads, Mapping) else None
    return [str(head.get("name")) for head in heads or () if isinstance(head, Mapping)]


def canonical(
    tensors: Mapping[str, lazy_checkpoint.LazyTensor], location: str, *, heads: Sequence[str] = ()
) -> _Tensors:
    """Returns the tensors of a checkpoint by canonical name (`encoder/...`, `masked_lm/...`).

    Whatever belongs to neither keeps its key, without the suffix of variables.

    Args:
      tensors: by key.
      location: of the checkpoint, for messages.
      heads: names of its classification heads, see `head_names`.

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
    found: _Tensors = {}
    for name, child in graph.children[encoders.pop()].items():
        if name.startswith(_LAYER):
            found |= _below(graph, child, f"encoder/{name}", tensors)
    masked_lm = {
        graph.children[node][_MASKED_LM]
        for node in graph.walk()
        if _MASKED_LM in graph.children[node]
    }
    if len(masked_lm) > 1:
        raise errors.CheckpointError(
            f"checkpoint {location!r} holds {len(masked_lm)} masked language model heads"
        )
    for head in masked_lm:
        found |= _below(graph, head, _MASKED_LM, tensors)
    for head in _next_sentence(graph, heads):
        found = _with_next_sentence(found, _below(graph, head, _NEXT_SENTENCE, tensors))
    taken = {tensor.name for tensor in found.values()}
    for key, tensor in tensors.items():
        if key not in taken and key != tensorflow_checkpoint.OBJECT_GRAPH:
            found[key.removesuffix(object_graph.VALUE_SUFFIX)] = tensor
    return found


def _below(
    graph: object_graph.ObjectGraph, node: int, prefix: str, tensors: Mapping[str, Any]
) -> _Tensors:
    return {f"{prefix}/{path}": tensors[key] for path, key in graph.paths_below(node).items()}


def _next_sentence(graph: object_graph.ObjectGraph, heads: Sequence[str]) -> set[int]:
    """Returns the heads that predict the order of sentences.

    One of them is known by its name in the config, by the name it was saved under, or by its
    pooler, which BertPretrainerV2 saves as `next_sentence.pooler_dense` too.
    """
    found = set()
    poolers = {graph.children[node].get(f"{_NEXT_SENTENCE}.pooler_dense") for node in graph.walk()}
    for node in graph.walk():
        holder = graph.children[node].get(_HEADS)
        for name, head in graph.children[holder].items() if holder is not None else ():
            if name.isdecimal() and int(name) < len(heads):
                name = heads[int(name)]
            dense = graph.child(head, "dense")
            if name == _NEXT_SENTENCE or (dense is not None and dense in poolers):
                found.add(head)
    return found


def _with_next_sentence(tensors: _Tensors, head: _Tensors) -> _Tensors:
    """Adds the sentence-order head, if it computes what the artifact's does.

    Its own pooler takes the place of the encoder's, which is not trained with such a head: Model
    Garden's export_tfhub.py does so with `copy_pooler_dense_to_encoder`.
    """
    poolers = [(f"{_POOLER}/{part}", f"{_NEXT_SENTENCE}/dense/{part}") for part in _PARTS]
    outputs = [f"{_NEXT_SENTENCE}/out_proj/{part}" for part in _PARTS]
    fits = (
        all(name in head for name in (*outputs, *(theirs for _, theirs in poolers)))
        and head[outputs[1]].shape == (2,)
        and all(
            ours in tensors and tensors[ours].shape == head[theirs].shape
            for ours, theirs in poolers
        )
    )
    if not fits:
        return tensors
    found = {**tensors, **{name: head[name] for name in outputs}}
    for ours, theirs in poolers:
        if not lazy_checkpoint.has_same_bits(tensors[ours], head[theirs]):
            found[ours + weight_table.OVERRIDDEN] = tensors[ours]
            found[ours] = head[theirs]
    return found
