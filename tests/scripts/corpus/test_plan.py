"""A plan cuts the input into shards, and knows the embedder by its digests."""

import pytest

from configs import errors
from export.metadata import checksums
from scripts.corpus import plan, records
from tests.support import processes


@pytest.mark.parametrize("num_shards", [1, 2, 7, 100])
def test_shards_cover_every_byte_of_the_input_once_and_evenly(num_shards):
    read_options = records.ReadOptions(records.TEXT, "", "", 1)
    sizes = {"a": 10, "b": 0, "c": 1, "d": 25}
    files = [(path, size, 0.0) for path, size in sizes.items()]
    planned = plan.Plan(read_options=read_options, num_shards=num_shards, embedder="", files=files)
    shards = planned.shards()
    assert [number for number, _ in shards] == list(range(num_shards))
    covered = [
        (path, offset)
        for _, ranges in shards
        for path, start, stop in ranges
        for offset in range(start, stop)
    ]
    assert covered == [(path, offset) for path, size in sizes.items() for offset in range(size)]
    lengths = [sum(stop - start for _, start, stop in ranges) for _, ranges in shards]
    assert max(lengths) - min(lengths) <= 1


def test_changed_digests_of_an_embedder_are_refused(tiny_embedder, tmp_path):
    for name, content in processes.contents(tiny_embedder).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    listed = (tmp_path / checksums.FILE).read_bytes()
    for changed in (b"\xff" + listed[1:], listed.replace(b"  variables", b" variables")):
        (tmp_path / checksums.FILE).write_bytes(changed)
        with pytest.raises(errors.InputError, match="SHA256SUMS is changed"):
            plan.read_embedder(str(tmp_path))


def test_what_becomes_of_long_texts_is_a_part_of_the_embedder():
    pooled = {"long_texts": "mean", "max_seq_length": 48, "pooling": "first", "normalize": True}
    assert plan.long_texts(pooled, asked=None) == plan.long_texts(pooled, asked="mean") == "mean"
    # Of export.embedder, which always cuts.
    assert plan.long_texts({"max_seq_length": 512}, asked="cut") == "cut"
    options = "--pooling first --normalize --max_seq_length 48 --long_texts max$"
    with pytest.raises(errors.InputError, match=options):
        plan.long_texts(pooled, asked="max")
