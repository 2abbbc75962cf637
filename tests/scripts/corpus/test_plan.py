"""A plan cuts the input into shards, and knows the embedder by its digests."""

import os

import pytest

from configs import errors
from export.metadata import checksums, manifest
from scripts.corpus import plan, records
from tests.support import processes


@pytest.mark.parametrize("num_shards", [1, 2, 7, 100])
def test_shards_cover_every_byte_of_the_input_once_and_evenly(num_shards):
    read_options = records.ReadOptions(records.TEXT, "", "", 1)
    sizes = {"a": 10, "b": 0, "c": 1, "d": 25}
    files = [(path, size, 0.0) for path, size in sizes.items()]
    planned = plan.Plan(read_options=read_options, num_shards=num_shards, model="", files=files)
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


def _plan_of(*patterns, input_format):
    read_options = records.ReadOptions(input_format, "", "", 1)
    return plan.make(
        [str(pattern) for pattern in patterns],
        read_options=read_options,
        num_shards=2,
        model={"digest": ""},
    )


def test_an_empty_file_is_damaged_as_parquet_and_has_no_records_as_text(tmp_path):
    (tmp_path / "a").write_bytes(b"a" * 10)
    (tmp_path / "b").touch()
    for names, input_format, ranges in (
        ("b", records.PARQUET, [("b", 0, 0)]),
        ("ab", records.PARQUET, [("a", 0, 5), ("b", 0, 0), ("a", 5, 10)]),
        ("ab", records.TEXT, [("a", 0, 5), ("a", 5, 10)]),
    ):
        planned = _plan_of(*(tmp_path / name for name in names), input_format=input_format)
        found = [one for _, shard in planned.shards() for one in shard]
        assert found == [(str(tmp_path / name), *edges) for name, *edges in ranges]


def test_what_is_no_file_is_refused_with_what_to_give(tmp_path):
    (tmp_path / "corpus").mkdir()
    os.mkfifo(tmp_path / "corpus" / "a.jsonl")
    with pytest.raises(errors.InputError, match=r"is a folder; .* such as '.*/corpus/\*\.jsonl'$"):
        _plan_of(tmp_path / "corpus", input_format=records.JSON_LINES)
    with pytest.raises(errors.InputError, match=r"/corpus/a\.jsonl', which is not a plain file$"):
        _plan_of(tmp_path / "corpus" / "*", input_format=records.JSON_LINES)


@pytest.mark.parametrize("name", ["o [y]", "o*", "o?/p"])
def test_an_output_that_beam_would_take_for_a_pattern_is_refused(name, tmp_path):
    (tmp_path / "a").write_text("a\n")
    planned = _plan_of(tmp_path / "a", input_format=records.TEXT)
    with pytest.raises(errors.DestinationError, match="must not have any of"):
        plan.check_output(planned, str(tmp_path / name))


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_an_output_whose_plan_is_none_is_refused(content, tmp_path):
    (tmp_path / "a").write_text("a\n")
    (tmp_path / plan.FILE).write_bytes(content)
    planned = _plan_of(tmp_path / "a", input_format=records.TEXT)
    with pytest.raises(errors.DestinationError, match=r"not the plan of a run .*: give another"):
        plan.check_output(planned, str(tmp_path))
    assert (tmp_path / plan.FILE).read_bytes() == content


def test_changed_digests_of_an_embedder_are_refused(tiny_embedder, tmp_path):
    for name, content in processes.contents(tiny_embedder).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    listed = (tmp_path / checksums.FILE).read_bytes()
    for changed in (b"\xff" + listed[1:], listed.replace(b"  variables", b" variables")):
        (tmp_path / checksums.FILE).write_bytes(changed)
        with pytest.raises(errors.InputError, match="SHA256SUMS is changed"):
            plan.read_model(str(tmp_path))


def test_a_model_for_masks_is_refused(tmp_path):
    manifest.write(tmp_path, artifact=manifest.TEXT_MODEL, entries={"task": "fill_mask"})
    with pytest.raises(errors.InputError, match=r"embed\|classify\|tag\|answer.* for fill_mask$"):
        plan.read_model(str(tmp_path))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"max_seq_length": "512"}, "of another type .*: max_seq_length$"),
        ({"max_seq_length": 0}, "max_seq_length must be a positive number in .*, got 0$"),
        ({}, "max_seq_length must be a positive number in .*, got None$"),
        ({"max_seq_length": 512, "task": ["embed"]}, "of another type .*: task$"),
        ({"max_seq_length": 512, "long_texts": 1}, "of another type .*: long_texts$"),
    ],
)
def test_a_manifest_with_other_values_is_refused(entries, message, tmp_path):
    content = {"task": "embed", **entries}
    manifest.write(tmp_path, artifact=manifest.TEXT_MODEL, entries=content)
    checksums.write(tmp_path)
    with pytest.raises(errors.InputError, match=message):
        plan.read_model(str(tmp_path))


def test_what_becomes_of_long_texts_is_a_part_of_the_embedder():
    pooled = {
        "task": "embed",
        "long_texts": "mean",
        "max_seq_length": 48,
        "pooling": "first",
        "normalize": True,
    }
    assert plan.long_texts(pooled, asked=None) == plan.long_texts(pooled, asked="mean") == "mean"
    # Of export.embedder, which always cuts.
    assert plan.long_texts({"task": "embed", "max_seq_length": 512}, asked="cut") == "cut"
    options = "--pooling first --normalize --max_seq_length 48 --long_texts max$"
    with pytest.raises(errors.InputError, match=options):
        plan.long_texts(pooled, asked="max")
    assert plan.long_texts({"task": "answer"}, asked=None) == "windows"
    with pytest.raises(errors.InputError, match="is for vectors, got a model to tag"):
        plan.long_texts({"task": "tag"}, asked="mean")


@pytest.mark.parametrize(
    ("task", "pair_field", "question", "message"),
    [
        ("answer", "", "", "needs --question or --pair_field"),
        ("answer", "q", "Who?", "needs --question or --pair_field"),
        ("classify", "", "Who?", "--question is for models to answer, got one to classify"),
        ("tag", "b", "", "--pair_field is for models to classify or answer, got one to tag"),
    ],
)
def test_texts_that_a_model_does_not_take_are_refused(task, pair_field, question, message):
    options = records.ReadOptions("jsonl", "text", "", 1, pair_field=pair_field, pair=question)
    with pytest.raises(errors.InputError, match=message):
        plan.check_pairs(task, options)
