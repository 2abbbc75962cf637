"""What a text model says follows from what its encoder records."""

import pytest

from export.artifacts import text_model_spec


@pytest.mark.parametrize("task", ["classify", "answer"])
def test_the_types_of_two_texts_are_said_as_transformers_gives_them(task):
    encoder = {"heads": [task], "weights": {"format": "huggingface"}}
    request = text_model_spec.Request()
    (usual,) = text_model_spec.Plan(request, encoder).notices
    assert "type 1, as in transformers 4" in usual
    (without,) = text_model_spec.Plan(request, {**encoder, "has_types": False}).notices
    assert "transformers gives both type 0 with this tokenizer" in without
    assert "as in transformers 4" not in without
