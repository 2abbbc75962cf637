"""The words for masks, from a row's ids and logits."""

import types

import numpy as np
import onnxruntime
import pytest

from configs import hub_api
from export.conversion.onnx import fill_mask_graph
from export.conversion.onnx.graph_builder import GraphBuilder

_MASK_ID, _NUM_PIECES = 4, 9
_SOURCE = types.SimpleNamespace(
    mask="[MASK]",
    texts_of=lambda ids: [f"w{one}" for one in ids],
    tokenizer=types.SimpleNamespace(
        described=types.SimpleNamespace(mask_id=_MASK_ID, vocab_size=_NUM_PIECES)
    ),
)


def _session(inputs, dtype, outputs_of):
    graph = GraphBuilder(inputs, dtype=dtype)
    model = graph.model(outputs_of(graph), name="masks").SerializeToString()
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def test_the_best_words_replace_the_mask():
    logits = np.random.default_rng(0).normal(size=[4, 1, _NUM_PIECES + 3]).astype(np.float32)
    logits[0, 0, -1] = 9  # no piece has this id
    session = _session(
        {hub_api.SENTENCES: ["batch"]},
        np.str_,
        lambda graph: fill_mask_graph.write(graph, graph.constant(logits), source=_SOURCE),
    )
    texts = ["[MASK]", " a [MASK], b ", "the  first [MASK]", "[MASK] one [MASK] more"]
    tokens, scores, filled = session.run(None, {hub_api.SENTENCES: np.array(texts)})
    for row, text in enumerate(texts):
        values = np.exp(logits[row, 0].astype(np.float64))
        best = np.argsort(-values[:_NUM_PIECES])[:5]
        assert tokens[row].tolist() == [f"w{one}" for one in best]
        np.testing.assert_allclose(scores[row], values[best] / values.sum(), rtol=1e-5)
        before, after = text.split("[MASK]", 1)
        assert filled[row].tolist() == [f"{before}w{one}{after}" for one in best]


def test_each_row_has_one_mask():
    names = (*hub_api.ENCODER_INPUTS, hub_api.MASKED_LM_POSITIONS)
    session = _session(
        {name: ["batch", "length"] for name in hub_api.ENCODER_INPUTS},
        np.int32,
        lambda graph: {
            f"of_{name}": (tensor, np.int32, ["batch", None])
            for name, tensor in fill_mask_graph.inputs(graph, graph.inputs, source=_SOURCE).items()
        },
    )

    def run(ids):
        ids = np.array(ids, np.int32)
        given = zip(hub_api.ENCODER_INPUTS, (ids, ids * 0 + 1, ids * 0), strict=True)
        return session.run([f"of_{name}" for name in names], dict(given))

    ids = [[2, 7, 4, 3], [2, 4, 3, 0]]
    found = run(ids)
    assert found[0].tolist() == ids
    assert found[3].tolist() == [[2], [1]]
    for bad in ([2, 7, 7, 3], [2, 4, 4, 3]):
        with pytest.raises(Exception, match="ONNXRuntimeError"):
            run([ids[0], bad])
