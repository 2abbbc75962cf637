"""The cases of `testdata/cases`: checkpoints as their owners have them, with an oracle's values.

Example:
    case = cases.CASES["hf_groups_rounding"]
    case.compare(outputs)
"""

import dataclasses
import json
import pathlib

import numpy as np

from configs import hub_api

ROOT = pathlib.Path(__file__).parents[1] / "testdata" / "cases"

# The values are rounded to five decimals; frameworks differ by 4e-6 among themselves.
ATOL = 2e-5


@dataclasses.dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
      name: its folder.
      checkpoint: what is opened, below the folder.
      adapter: folder of an adapter, below the folder.
      allow_unused: see `opening.open`.
    """

    name: str
    checkpoint: str = "."
    adapter: str | None = None
    allow_unused: str | None = None

    @property
    def path(self) -> pathlib.Path:
        return ROOT / self.name

    def arguments(self) -> dict[str, str | None]:
        """Returns what `opening.open` takes."""
        adapter = str(self.path / self.adapter) if self.adapter else None
        return {"adapter": adapter, "allow_unused": self.allow_unused}

    def location(self) -> str:
        return str(self.path / self.checkpoint)

    @property
    def expected(self) -> dict:
        return json.loads((self.path / "expected.json").read_text())["expected"]

    def inputs(self) -> dict[str, np.ndarray]:
        """Returns the inputs by the names of the contract; the masked position is [1, 1]."""
        names = dict(zip(hub_api.ENCODER_INPUTS, _INPUTS, strict=True))
        arrays = {ours: np.array(self.expected[theirs]) for ours, theirs in names.items()}
        return {**arrays, hub_api.MASKED_LM_POSITIONS: np.array([[1], [1]])}

    def compare(self, outputs) -> set[str]:
        """Asserts that the outputs are the oracle's; returns the names of those compared."""
        picked = {
            "sequence_output_row1": (hub_api.SEQUENCE_OUTPUT, lambda array: array[1, 0]),
            "pooled_output": (hub_api.POOLED_OUTPUT, lambda array: array),
            "prediction_logits[1,1]": (hub_api.MLM_LOGITS, lambda array: array[1, 0]),
            "logits[1,1]": (hub_api.MLM_LOGITS, lambda array: array[1, 0]),
            "sop_logits": (hub_api.SOP_LOGITS, lambda array: array),
        }
        compared = set()
        for name, (output, pick) in picked.items():
            if name in self.expected and output in outputs:
                got = pick(np.asarray(outputs[output]))
                np.testing.assert_allclose(got, self.expected[name], atol=ATOL, rtol=0)
                compared.add(output)
        return compared


_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
CASES = {
    case.name: case
    for case in (
        Case("hf_added_tokens"),
        Case("hf_biases_differ"),
        Case("hf_config_gelu_without_model_type"),
        Case("hf_config_missing_defaults"),
        Case("hf_extra_heads_crf", allow_unused=r"^(fc|crf)\."),
        Case("hf_groups_rounding"),
        Case("hf_masked_lm_no_pooler"),
        Case("hf_question_answering_no_pooler"),
        Case("hf_sequence_classification_head_dropped"),
        Case("hf_state_dict_module_prefix"),
        Case("hf_untied_decoder_nomlm"),
        Case("no_text_vocabulary_no_pooler"),
        Case("peft_lora_adapter", "base", adapter="adapter"),
        Case("peft_other_heads", "base", adapter="classify"),
        Case("tf1_brightmart_layer_shared"),
        Case("tf1_unfactorised_embedding"),
        Case("trainer_output_checkpoints_only"),
    )
}
