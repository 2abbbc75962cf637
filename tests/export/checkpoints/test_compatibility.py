"""What is said of tensors that are left out."""

from export.checkpoints import compatibility


def test_few_tensors_that_are_left_out_are_named_and_many_are_counted():
    unused = {"crf.weight": "the user says so", "fc.bias": "the user says so"}
    unused |= {f"optimizer/slot_{number}": "training" for number in range(60)}
    assert compatibility.unused_notices(unused) == [
        "left out (the user says so): crf.weight, fc.bias",
        "left out (training): optimizer/slot_0 and 59 more, all in the manifest (weights.unused)",
    ]
    assert compatibility.unused_notices({}) == []
