"""Model Garden's object checkpoints: an encoder, a pretrainer or a fine-tuned model.

    tensors = model_garden.canonical(tensors, "albert/ckpt-1")

The encoder is found by what it looks like, not by the name it was saved under (`encoder`, `model`,
`encoder/encoder_network`): a pretrainer that was saved under the converter's default name has
another object tree than one that was saved as `model`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from configs import errors, head_config
from export.checkpoints import lazy_checkpoint, weight_table
from export.checkpoints.readers import object_graph, tensorflow_checkpoint

_LAYER = "layer_with_weights-"
# The Transformer block, which no other encoder of Model Garden has in this place.
_BLOCK = (f"{_LAYER}5", "_attention_layer")
_POOLER = f"encoder/{_LAYER}6"
_MASKED_LM = "masked_lm"
_HEADS = "classification_heads"
_NEXT_SENTENCE = "next_sentence"
# Heads of fine-tuned models: `classifier` of BertClassifier and BertTokenClassifier, and
# `span_labeling` of BertSpanLabeler.
_CLASSIFIER = "classifier"
_TOKEN_CLASSIFIER = "token_classifier"
_SPAN_LABELING = "span_labeling"
_SPAN_LAYER = f"{_LAYER}0"
_PARTS = ("kernel", "bias")
# What a pooler of a head is here: tanh over the first token.
_HEAD_SETTINGS: Mapping[str, Any] = {"activation": "tanh", "cls_token_idx": 0}

_Tensors = dict[str, lazy_checkpoint.LazyTensor]
_Graph = object_graph.ObjectGraph


def head_names(config: Mapping[str, Any] | None) -> list[str]:
    """Returns the names of the classification heads in `params.yaml`, in their order.

    Raises:
      errors.ConfigError: one is computed otherwise than heads are here.
    """
    listed = _model(config).get("cls_heads") or ()
    heads = [head for head in listed if isinstance(head, Mapping)]
    for head in heads:
        for key, right in _HEAD_SETTINGS.items():
            if head.get(key, right) != right:
                raise errors.ConfigError(
                    f"params.yaml: {key} of the head {head.get('name')!r} must be {right!r}, got "
                    f"{head[key]!r}; to export the encoder alone, say {right!r} there and give "
                    "--nohead"
                )
    return [str(head.get("name")) for head in heads]


def _model(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Returns `task.model` of `params.yaml`; nothing where there is none."""
    found: Any = config
    for key in ("task", "model"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


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
    next_sentence = _next_sentence(graph, heads)
    for head in next_sentence:
        found = _with_head(found, _below(graph, head, _NEXT_SENTENCE, tensors), _NEXT_SENTENCE)
    for name, node in _fine_tuned(graph, next_sentence).items():
        found = _with_head(found, _below(graph, node, name, tensors), name)
    taken = {tensor.name for tensor in found.values()}
    for key, tensor in tensors.items():
        if key not in taken and key != tensorflow_checkpoint.OBJECT_GRAPH:
            found[key.removesuffix(object_graph.VALUE_SUFFIX)] = tensor
    return found


def _below(
    graph: object_graph.ObjectGraph, node: int, prefix: str, tensors: Mapping[str, Any]
) -> _Tensors:
    return {f"{prefix}/{path}": tensors[key] for path, key in graph.paths_below(node).items()}


def told_heads(config: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Returns what `params.yaml` says of heads, see `head_detection.find`.

    Those are a tagger's labels, and that a classifier of one logit is a regression: Model Garden
    trains it with the mean squared error (official/nlp/tasks/sentence_prediction.py).
    """
    task = config.get("task") if config is not None else None
    names = task.get("class_names") if isinstance(task, Mapping) else None
    if names:
        return {head_config.TAG: {"labels": tuple(map(str, names))}}
    if _model(config).get("num_classes") == 1:
        return {head_config.CLASSIFY: {"problem_type": head_config.REGRESSION}}
    return {}


def _next_sentence(graph: _Graph, heads: Sequence[str]) -> set[int]:
    """Returns the heads that predict the order of sentences.

    One of them is known by its name in the config, by the name it was saved under, or by its
    pooler, which BertPretrainerV2 saves as `next_sentence.pooler_dense` too.
    """
    found = set()
    poolers = {graph.children[node].get(f"{_NEXT_SENTENCE}.pooler_dense") for node in graph.walk()}
    for name, head in _classification_heads(graph):
        if name.isdecimal() and int(name) < len(heads):
            name = heads[int(name)]
        dense = graph.child(head, "dense")
        if name == _NEXT_SENTENCE or (dense is not None and dense in poolers):
            found.add(head)
    return found


def _classification_heads(graph: _Graph) -> list[tuple[str, int]]:
    holders = [graph.children[node].get(_HEADS) for node in graph.walk()]
    return [
        item
        for holder in holders
        if holder is not None
        for item in graph.children[holder].items()
        if "out_proj" in graph.children[item[1]]
    ]


def _fine_tuned(graph: _Graph, others: set[int]) -> dict[str, int]:
    """Returns the heads of a fine-tuned model by canonical name; none of a kind if several are.

    Args:
      graph: the object graph.
      others: heads that are none.
    """
    found: dict[str, set[int]] = {
        _CLASSIFIER: set(),
        _TOKEN_CLASSIFIER: set(),
        _SPAN_LABELING: set(),
    }
    found[_CLASSIFIER] |= {head for _, head in _classification_heads(graph)} - others
    for node in graph.walk():
        classifier = graph.children[node].get(_CLASSIFIER)
        if classifier is not None:
            is_of_text = "out_proj" in graph.children[classifier]
            if is_of_text or "kernel" in graph.children[classifier]:
                found[_CLASSIFIER if is_of_text else _TOKEN_CLASSIFIER].add(classifier)
        span = graph.child(node, _SPAN_LABELING, _SPAN_LAYER)
        if span is not None:
            found[_SPAN_LABELING].add(span)
    return {name: next(iter(nodes)) for name, nodes in found.items() if len(nodes) == 1}


def _with_head(tensors: _Tensors, head: _Tensors, name: str) -> _Tensors:
    """Adds a head, if it computes what the artifact's does.

    A pooler of its own takes the place of the encoder's, which is not trained with such a head:
    Model Garden's export_tfhub.py does so with `copy_pooler_dense_to_encoder`.

    Args:
      tensors: found so far.
      head: the head's, below its name.
      name: its canonical name.
    """
    poolers = [(f"{_POOLER}/{part}", f"{name}/dense/{part}") for part in _PARTS]
    has_own = any(f"{name}/dense/" in other for other in head)
    is_order = name == _NEXT_SENTENCE
    replaced = any(ours + weight_table.OVERRIDDEN in tensors for ours, _ in poolers)
    if has_own and (
        replaced
        or not all(
            theirs in head and ours in tensors and tensors[ours].shape == head[theirs].shape
            for ours, theirs in poolers
        )
    ):
        return tensors
    if is_order and not (
        has_own and getattr(head.get(f"{name}/out_proj/bias"), "shape", 0) == (2,)
    ):
        return tensors
    own = {theirs for _, theirs in poolers}
    found = {**tensors, **{other: head[other] for other in head if other not in own}}
    for ours, theirs in poolers if has_own else ():
        if not lazy_checkpoint.has_same_bits(tensors[ours], head[theirs]):
            found[ours + weight_table.OVERRIDDEN] = tensors[ours]
        found[ours] = head[theirs]
    return found
