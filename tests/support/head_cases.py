"""The models of `testdata/heads`: small fine-tuned models, and what their own code computes.

Example:
    case = head_cases.CASES["hf_tag"]
    case.compare(outputs)
"""

import dataclasses
import json
import pathlib

import numpy as np

from configs import head_config, hub_api
from tests.support import cases, golden

ROOT = pathlib.Path(__file__).parents[1] / "testdata" / "heads"
# The largest that is allowed between frameworks; 5e-7 were seen.
ATOL = 2e-5


@dataclasses.dataclass(frozen=True)
class Case:
    """One model.

    Attributes:
      name: its folder.
      kind: of its head.
      labels: that the head has.
      problem_type: of a classifier.
      guessed: whether nothing says which head it is.
      root: the folder above its folder.
      below: folder of the checkpoint, below its folder.
    """

    name: str
    kind: str
    labels: tuple[str, ...] = ()
    problem_type: str | None = None
    guessed: bool = False
    root: pathlib.Path = ROOT
    below: str = "."

    def __str__(self) -> str:
        return self.name

    @property
    def is_beam(self) -> bool:
        return self.name.endswith("_beam")

    @property
    def location(self) -> str:
        return str(self.root / self.name / self.below)

    @property
    def expected(self) -> dict:
        content = (self.root / self.name / "expected.json").read_text()
        return json.loads(content)["expected"]

    def inputs(self) -> dict[str, np.ndarray]:
        """Returns int32 [B, S] by the names of the contract."""
        names = ("input_ids", "attention_mask", "token_type_ids")
        return {
            ours: np.array(self.expected[theirs], np.int32)
            for ours, theirs in zip(hub_api.ENCODER_INPUTS, names, strict=True)
        }

    def head_inputs(self) -> dict[str, np.ndarray]:
        """Returns the inputs of the head: of a choice [1, N, S]."""
        inputs = self.inputs()
        is_choice = self.kind == head_config.CHOOSE
        return {name: array[None] if is_choice else array for name, array in inputs.items()}

    def compare(self, outputs, *, mask=None) -> None:
        """Asserts that the outputs of the head, by name, are the oracle's.

        Args:
          outputs: by name.
          mask: bool [B, S], where they are compared; None for everywhere.
        """
        if self.is_beam:
            _compare_beam(self.expected, outputs, self.inputs())
            return
        names = [name for name in _NAMES if name in self.expected]
        assert names
        for name in names:
            got, expected = np.asarray(outputs[name]), np.array(self.expected[name])
            assert got.shape == expected.shape
            if mask is not None and self.kind in (head_config.TAG, head_config.ANSWER):
                got, expected = got[mask], expected[mask]
            np.testing.assert_allclose(got, expected, atol=ATOL, rtol=0, err_msg=name)


_NAMES = (hub_api.LOGITS, hub_api.START_LOGITS, hub_api.END_LOGITS)


def _log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _compare_beam(expected, outputs, inputs) -> None:
    """Compares with run_squad_v2's results: the best starts, and the best ends of each."""
    starts, ends = np.asarray(outputs["start_logits"]), np.asarray(outputs["end_logits"])
    types, mask = inputs[hub_api.INPUT_TYPE_IDS], inputs[hub_api.INPUT_MASK]
    last = mask.sum(1) - 1  # [SEP]
    positions = np.arange(mask.shape[1])
    possible = ((types == 1) & (positions < last[:, None])) | (positions == 0)  # [B, S]
    top = np.array(expected["start_top_index"])  # [B, K]
    np.testing.assert_array_equal(outputs["start_positions"], top)
    log_probs = _log_softmax(np.where(possible, starts, -1e30))
    got = np.take_along_axis(log_probs, top, axis=1)
    np.testing.assert_allclose(got, expected["start_top_log_probs"], atol=ATOL, rtol=0)
    log_probs = _log_softmax(np.where(possible[:, None], ends, -1e30))  # [B, K, S]
    best = np.array(expected["end_top_index"]).reshape(*top.shape, -1)  # [B, K, ends]
    got = np.take_along_axis(log_probs, best, axis=2).reshape(len(top), -1)
    np.testing.assert_allclose(got, expected["end_top_log_probs"], atol=ATOL, rtol=0)
    np.testing.assert_allclose(outputs["cls_logits"], expected["cls_logits"], atol=ATOL, rtol=0)


_THREE = ("LABEL_0", "LABEL_1", "LABEL_2")
_SINGLE, _MULTI = head_config.SINGLE_LABEL, head_config.MULTI_LABEL
_SENTIMENT = ("NEG", "NEU", "POS")
CASES = {
    case.name: case
    for case in (
        Case("hf_single_label", "classify", ("no", "yes", "maybe"), _SINGLE),
        Case("hf_multi_label", "classify", ("anger", "joy", "fear"), _MULTI),
        Case("hf_regression", "classify", ("LABEL_0",), head_config.REGRESSION),
        Case("hf_tag", "tag", ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")),
        Case("hf_answer", "answer"),
        Case("hf_choose", "choose"),
        Case("tf1_classifier", "classify", _THREE, _SINGLE),
        Case("tf1_choose", "choose", guessed=True),
        Case("tf1_answer", "answer"),
        Case("tf1_answer_beam", "answer"),
        Case("mg_classifier", "classify", _THREE, _SINGLE),
        Case("mg_classifier_own_pooler", "classify", _THREE, _SINGLE),
        Case("mg_classification_heads", "classify", _THREE, _SINGLE),
        Case("mg_tag", "tag", ("O", "B-X", "I-X", "B-Y")),
        Case("mg_answer", "answer"),
        Case("kh_classifier", "classify", _THREE, _SINGLE),
        Case(
            "hf_sequence_classification_head_dropped",
            "classify",
            _SENTIMENT,
            _SINGLE,
            root=cases.ROOT,
        ),
        Case("hf_question_answering_no_pooler", "answer", root=cases.ROOT),
        Case("trainer_output_checkpoints_only", "classify", _SENTIMENT, _SINGLE, root=cases.ROOT),
    )
}
VOCABULARY = str(golden.VOCABULARY)
