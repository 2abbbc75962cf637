"""Every text of a corpus gets one vector, the same in every run and after kills.

`pytest --stress` does it with 100,000 sentences; without it the same code runs a sample.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the embedder's ops
from apache_beam.internal import cloudpickle, pickler
from pyarrow import parquet

import scripts.corpus
from export.metadata import checksums
from scripts.corpus import models, records, shards
from tests.support import corpora, processes, real_sentences, sampling, text_models

TWO_WORKERS = ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2")
ATOL, RTOL = 1e-5, 1e-5  # batches differ, and so does the order of float32 sums


def by_hand(embedder, texts):
    """Returns the vectors of texts, embedded in batches of neighbours."""
    load = hub.load(str(embedder))
    batches = [texts[start : start + 256] for start in range(0, len(texts), 256)]
    return np.concatenate([load(tf.constant(batch)).numpy() for batch in batches])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, stress):
    """A folder with two files of sentences, one per line, and the sentences by id."""
    folder = tmp_path_factory.mktemp("corpus")
    sentences = real_sentences.of_docstrings(100_000) if stress else real_sentences.of_python(2000)
    texts = {}
    for name, lines in (("a.txt", sentences[::2]), ("b.txt", sentences[1::2])):
        path = folder / name
        offset = 0
        for line in lines:
            texts[f"{path}:{offset}"] = line
            offset += len(line.encode()) + 1
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder, texts


@pytest.fixture(scope="module")
def arguments(corpus, tiny_embedder, stress):
    return (
        *("--embedder", tiny_embedder, "--input", corpus[0] / "*.txt", "--input_format", "text"),
        *("--output", "out", "--num_shards", 64 if stress else 8, "--threads", 1),
        *("--onednn", "on"),  # of a large corpus each run tries which is faster, and bits differ
    )


@pytest.fixture(scope="module")
def undisturbed(arguments, tmp_path_factory):
    """The output folder and the counters of one worker."""
    folder = tmp_path_factory.mktemp("undisturbed")
    counters = corpora.run(*arguments, cwd=folder)
    print("one worker:", counters)
    return folder / "out", counters


def test_the_vectors_are_those_of_calling_the_embedder_by_hand(undisturbed, corpus, tiny_embedder):
    output, counters = undisturbed
    ids, found = corpora.vectors(output)
    assert ids == sorted(corpus[1])
    expected = by_hand(tiny_embedder, [corpus[1][key] for key in ids])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=ATOL, rtol=RTOL)
    print(f"{len(ids):,} vectors, at most {np.abs(found - expected).max():.1e} off")
    assert counters["records"] == f"{len(ids):,}"
    size = sum(len(text.encode()) for text in corpus[1].values())
    assert counters["bytes of text"] == f"{size:,}"
    assert not (output / "bad_records").exists()


@pytest.mark.stress
def test_nothing_is_lost_or_doubled_when_two_workers_are_killed_and_started_again(
    undisturbed, arguments, tmp_path
):
    command = ("-m", corpora.MODULE, *arguments, *TWO_WORKERS)
    process = processes.start(
        *command, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL
    )
    total = sum(1 for _ in (undisturbed[0] / "vectors").iterdir())
    folder = tmp_path / "out" / "vectors"
    while not folder.is_dir() or len(list(folder.iterdir())) < total // 3:
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"it ended with {process.wait(timeout=0.02)} before it was killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert total // 3 <= len(list(folder.iterdir())) < total
    _check_resumed(tmp_path / "out", undisturbed[0], *arguments, *TWO_WORKERS)


@pytest.mark.stress
def test_shards_that_are_missing_are_made_and_the_others_kept(undisturbed, arguments, tmp_path):
    shutil.copytree(undisturbed[0], tmp_path / "out")
    for path in sorted((tmp_path / "out" / "vectors").iterdir())[::3]:
        path.unlink()
    _check_resumed(tmp_path / "out", undisturbed[0], *arguments)


def _check_resumed(output, undisturbed, *arguments):
    """Resumes a run that published a part of its shards; checks that the rest is added to them."""
    folder = output / "vectors"
    total = sum(1 for _ in (undisturbed / "vectors").iterdir())
    published = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    rows = sum(parquet.read_metadata(path).num_rows for path in folder.iterdir())
    counters = corpora.run(*arguments, cwd=output.parent)
    print(f"stopped after {rows:,} records in {len(published)} of {total} shards; then:", counters)
    assert counters["shards skipped, complete before"] == str(len(published))
    assert counters["shards"] == str(total - len(published))
    assert {name: (folder / name).stat().st_mtime_ns for name in published} == published
    assert not (output / "temporary").exists()
    # The same batches give the same bits.
    (ids, found), (all_ids, all_vectors) = corpora.vectors(output), corpora.vectors(undisturbed)
    assert ids == all_ids
    np.testing.assert_array_equal(found, all_vectors)
    assert int(counters["records"].replace(",", "")) == len(ids) - rows


def test_bad_records_are_put_aside_with_the_reason_and_the_rest_is_embedded(
    tiny_embedder, tmp_path
):
    texts = ["one", "", "two", "ü" * 9]
    good = [{"text": text, "id": number} for number, text in enumerate(texts)]
    lines = [json.dumps(fields).encode() for fields in good]
    lines += [b"{", b'{"text": "\xff"}', b"{}", b"", b" "]  # the last two are no records
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    counters = corpora.run(
        *("--embedder", tiny_embedder, "--input", "*.jsonl", "--input_format", "jsonl"),
        *("--text_field", "text", "--id_field", "id", "--output", "out", "--num_shards", 3),
        *("--batch_bytes", 1, "--threads", 1),
        cwd=tmp_path,
    )
    ids, found = corpora.vectors(tmp_path / "out")
    assert ids == ["0", "2", "3"]
    texts.remove("")
    np.testing.assert_allclose(found, by_hand(tiny_embedder, texts), atol=ATOL, rtol=RTOL)
    bad = [
        json.loads(line)
        for path in sorted((tmp_path / "out" / "bad_records").iterdir())
        for line in path.read_text().splitlines()
    ]
    offsets = np.cumsum([0, *(len(line) + 1 for line in lines)]).tolist()
    assert [(one["reason"], one["where"]) for one in bad] == [
        ("blank", f"./in.jsonl:{offsets[1]}"),
        ("not JSON", f"./in.jsonl:{offsets[4]}"),
        ("not UTF-8", f"./in.jsonl:{offsets[5]}"),
        ("no 'text'", f"./in.jsonl:{offsets[6]}"),
    ]
    assert bad[2]["record"] == r'{"text": "\xff"}'
    assert {name: n for name, n in counters.items() if name.startswith("bad")} == {
        f"bad records: {one['reason']}": "1" for one in bad
    }


@pytest.mark.stress
@pytest.mark.parametrize("long_texts", ["mean", "cut", "max"])
def test_long_texts_have_the_vectors_of_the_text_model(long_texts, tmp_path):
    request = {"task": "embed", "pooling": "mean", "long_texts": long_texts}
    embedder = text_models.directory("single", **request)
    texts = [("word " * count).strip() for count in (1, 10, 30, 200)]
    (tmp_path / "in.txt").write_text("\n".join(texts))
    counters = corpora.run(
        *("--embedder", embedder, "--input", "in.txt", "--input_format", "text"),
        *("--output", "out", "--num_shards", 1, "--long_texts", long_texts),
        cwd=tmp_path,
    )
    serve = text_models.load("single", **request).signatures["serving_default"]
    expected = [serve(sentences=tf.constant([text]))["default"][0].numpy() for text in texts]
    offsets = np.cumsum([0, *(len(text) + 1 for text in texts[:-1])])
    ids, found = corpora.vectors(tmp_path / "out")
    by_id = dict(zip(ids, found, strict=True))
    got = [by_id[f"./in.txt:{offset}"] for offset in offsets]
    np.testing.assert_allclose(got, expected, atol=ATOL, rtol=RTOL)
    tokens = [len(ids) for ids in text_models.load("single", **request).tokenize(texts)]
    assert tokens[1] < 46 < tokens[2]  # [CLS] and [SEP] are the 47th and the 48th
    assert counters["texts cut"] == ("2" if long_texts == "cut" else "0")


@pytest.mark.stress
def test_one_question_is_answered_from_every_text(tmp_path):
    texts = [text for _, text in text_models.expected()["contexts"]][:5]
    lines = [json.dumps({"id": number, "text": text}) for number, text in enumerate(texts)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    counters = corpora.run(
        *("--model", text_models.directory("answer"), "--input", "in.jsonl"),
        *("--input_format", "jsonl", "--text_field", "text", "--id_field", "id"),
        *("--question", "Who?", "--output", "out", "--num_shards", 2),
        cwd=tmp_path,
    )
    expected = text_models.serve("answer", questions=["Who?"] * len(texts), contexts=texts)
    found = parquet.read_table(tmp_path / "out" / "answers").sort_by("id").to_pydict()
    assert found["id"] == [str(number) for number in range(len(texts))]
    assert found["answer"] == [answer.decode() for answer in expected["answer"]]
    np.testing.assert_allclose(found["score"], expected["score"], atol=ATOL, rtol=RTOL)
    assert counters["records"] == str(len(texts)) and counters["texts cut"] == "0"


@pytest.mark.stress
def test_questions_that_are_cut_are_counted(tmp_path):
    questions = [("who " * count).strip() for count in (1, 100)]
    lines = [json.dumps({"t": "The river rose.", "q": question}) for question in questions]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    counters = corpora.run(
        *("--model", text_models.directory("answer"), "--input", "in.jsonl", "--output", "out"),
        *("--input_format", "jsonl", "--text_field", "t", "--pair_field", "q", "--num_shards", 1),
        cwd=tmp_path,
    )
    found = parquet.read_table(tmp_path / "out" / "answers").sort_by("id").to_pydict()
    assert found["truncated"] == [False, True] and counters["texts cut"] == "1"


@pytest.mark.stress
def test_what_an_embedder_cuts_is_counted(tiny_embedder, tmp_path):
    # One token each; 510 fit beside [CLS] and [SEP].
    lines = ["the " * 509 + "the", "the " * 510 + "the", "the"]
    (tmp_path / "in.txt").write_text("\n".join(lines))
    counters = corpora.run(
        *("--embedder", tiny_embedder, "--input", "in.txt", "--input_format", "text"),
        *("--output", "out", "--num_shards", 1),
        cwd=tmp_path,
    )
    assert counters["records"] == "3" and counters["texts cut"] == "1"


@pytest.mark.stress  # a process of its own
def test_workers_need_no_copy_of_the_project(tiny_embedder, tmp_path):
    (tmp_path / "in").mkdir()
    parquet.write_table(pa.table({"t": ["one", "two"]}), tmp_path / "in" / "a.parquet")
    read_options = records.ReadOptions(records.PARQUET, "t", "", 1000)
    model = models.Settings(str(tiny_embedder), models.EMBED, 512, has_pairs=False, threads=0)
    settings = shards.Settings(read_options, model, "out", num_shards=1, batch_bytes=1000)
    cloudpickle.register_pickle_by_value(scripts.corpus)
    try:
        (tmp_path / "step").write_bytes(pickler.dumps(shards.PublishShard(settings)))
    finally:
        cloudpickle.unregister_pickle_by_value(scripts.corpus)
    worker = (
        "import importlib.util, pathlib\n"
        "from apache_beam.internal import pickler\n"
        "assert not importlib.util.find_spec('scripts')\n"
        "step = pickler.loads(pathlib.Path('step').read_bytes())\n"
        "step.setup()\n"
        "step.process((0, [[('in/a.parquet', 0, 1000)]]))\n"
    )
    environment = processes.environment() | {"PYTHONPATH": ""}
    done = processes.python("-c", worker, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    ids, found = corpora.vectors(tmp_path / "out")
    assert ids == ["in/a.parquet:0", "in/a.parquet:1"]
    np.testing.assert_allclose(found, by_hand(tiny_embedder, ["one", "two"]), atol=ATOL, rtol=RTOL)


_BAD = [
    ({"--input_format": "jsonl"}, (), "--text_field is required"),
    ({"--text_field": "t"}, (), "--text_field must not be given with --input_format=text"),
    ({"--embedder": "nowhere"}, (), "--model must be the folder of a text model, got"),
    ({"--embedder": "{encoder}"}, (), "an artifact of kind 'encoder'"),
    ({"--long_texts": "max"}, (), "--pooling mean --max_seq_length 512 --long_texts max"),
    ({"--input": "*.txt"}, (), "--input '*.txt' matches no file"),
    (
        {"--input": "*.gz"},
        (),
        "files cannot be split into shards; decompress ./in.gz",
    ),
    ({"--output": "."}, (), "--output must be a new folder, or one that this command began"),
    ({"--output": "begun"}, (), "'begun' was begun with other values of source, num_shards"),
    ({"--pair_field": "t"}, (), "--pair_field must not be given with --input_format=text"),
    ({"--question": "Who?"}, (), "--question is for models to answer, got one to embed"),
    ({"--cluster": "tcp://h:1"}, (), "--cluster is for --runner=DaskRunner, got FnApiRunner"),
    ({"--runner": "Runner"}, (), "pipeline options: Unexpected pipeline runner: Runner"),
    ({}, ("stray",), "unexpected argument: stray"),
    ({}, ("--", "--direct_num_workers=x"), "argument --direct_num_workers: invalid int value"),
    ({}, ("--num_shard=3",), "Unknown command line flag 'num_shard'"),
]


# Without --stress one of each: a flag, an artifact, an output folder, pipeline options.
@sampling.parametrize(
    ("changed", "options", "message"), _BAD, sample=[_BAD[1], _BAD[3], _BAD[7], _BAD[-2]]
)
def test_bad_input_is_refused_before_tensorflow_is_imported(
    changed, options, message, tiny_embedder, tiny_encoder, tmp_path
):
    (tmp_path / "in.text").write_text("one\n")
    (tmp_path / "in.gz").write_text("two\n")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "plan.json").write_text("{}")
    given = {
        "--embedder": tiny_embedder,
        "--input": "in.text",
        "--input_format": "text",
        "--output": "out",
    } | {name: value.format(encoder=tiny_encoder) for name, value in changed.items()}
    done = processes.run(
        corpora.MODULE,
        *(word for option in given.items() for word in option),
        *options,
        cwd=tmp_path,
        env=processes.environment(without_tensorflow=True),
    )
    assert message in processes.error(done)
    assert not (tmp_path / "out").exists()


def test_a_damaged_embedder_is_refused_before_anything_is_written(tiny_embedder, tmp_path):
    done = _embed_with_other_graph(tiny_embedder, tmp_path)
    assert processes.error(done) == "--model 'embedder': saved_model.pb is changed"
    assert not (tmp_path / "out").exists()


def test_a_worker_that_fails_ends_the_run_with_one_clear_line(tiny_embedder, tmp_path):
    done = _embed_with_other_graph(tiny_embedder, tmp_path, "--trust", write_digests=True)
    assert done.returncode == 1
    # The runner logs the worker's traceback before it.
    assert done.stderr.splitlines()[-1].startswith(
        "error: the pipeline failed; the same command resumes it: "
    )
    assert not (tmp_path / "out" / "vectors").exists()


def _embed_with_other_graph(tiny_embedder, folder, *options, write_digests=False):
    embedder = folder / "embedder"
    for name, content in processes.contents(tiny_embedder).items():
        (embedder / name).parent.mkdir(parents=True, exist_ok=True)
        (embedder / name).write_bytes(content if name != "saved_model.pb" else b"damaged")
    if write_digests:
        checksums.write(embedder)
    (folder / "in.txt").write_text("one\n")
    return processes.run(
        corpora.MODULE,
        *("--embedder", "embedder", "--input", "in.txt", "--input_format", "text"),
        *("--output", "out", *options),
        cwd=folder,
    )
