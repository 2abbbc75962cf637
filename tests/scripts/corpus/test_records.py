"""Records of text, JSON lines and Parquet are read once, however files are split."""

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from scripts.corpus import batching, records

LINES = b"one\ntwo \xc3\xa9\r\n\n" + b"x" * 11 + b"\n" + b"y" * 10 + b"\r\n\xff\xfe\n \nlast"
LIMIT = 10


def read_options(input_format, *, id_field=""):
    text_field = "" if input_format == records.TEXT else "text"
    return records.ReadOptions(input_format, text_field, id_field, LIMIT)


def read(path, how, *, edges=()):
    """Reads all ranges of a file that is split at `edges`."""
    size = path.stat().st_size
    ranges = itertools.pairwise([0, *edges, size])
    return [record for one in ranges for record in records.read((str(path), *one), how)]


def expected_lines(path):
    """Returns the expected lines, by splitting the whole content."""
    offset = 0
    for line in path.read_bytes().split(b"\n"):
        content = line.removesuffix(b"\r")
        where = f"{path}:{offset}"
        offset += len(line) + 1
        if len(content) > LIMIT:
            yield "too long", where
        elif b"\xff" in content:
            yield "not UTF-8", where
        elif content.strip():  # blank lines are no records
            yield records.Record(where, content)


def test_every_line_is_read_once_wherever_the_file_is_cut(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(LINES)
    expected = list(expected_lines(path))
    bad = [one[0] for one in expected if not isinstance(one, records.Record)]
    assert bad == ["too long", "not UTF-8"]
    size = len(LINES)
    cuts = [(), *((edge,) for edge in range(1, size)), tuple(range(1, size)), (5, 6, 20, 21, 40)]
    for edges in cuts:
        found = [
            (one.reason, one.where) if isinstance(one, records.BadRecord) else one
            for one in read(path, read_options(records.TEXT), edges=edges)
        ]
        assert found == expected, edges


@pytest.mark.parametrize(
    ("line", "id_field", "outcome"),
    [
        (b'{"text": "a\\u00e9"}', "", "aé"),
        (b'{"text": "a", "id": 7}', "id", "a"),
        (b'{"text": "a", "id": "7"}', "id", "a"),
        (b'{"text": "a"', "", "not JSON"),
        (b"[" * 100_000, "", "not JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", "", "not JSON"),
        (b'["text"]', "", "not a JSON object"),
        (b'{"text": "\xff"}', "", "not UTF-8"),
        (b'{"other": "a"}', "", "no 'text'"),
        (b'{"text": null}', "", "no 'text'"),
        (b'{"text": 5}', "", "'text' is not a string"),
        (b'{"text": " "}', "", "blank"),
        (b"-", "", "not JSON"),
        (b'{"text": "\\ud800"}', "", "not Unicode"),
        (b'{"text": "a"}', "id", "no 'id'"),
        (b'{"text": "a", "id": 1.5}', "id", "'id' is neither a string nor an integer"),
        (b'{"text": "a", "id": true}', "id", "'id' is neither a string nor an integer"),
        (b'{"text": "a", "id": "\\ud800"}', "id", "not Unicode"),
    ],
)
def test_json_lines_give_a_record_or_the_reason_why_not(line, id_field, outcome, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"text": "first", "id": "first"}\n' + line + b"\n")
    how = read_options(records.JSON_LINES, id_field=id_field)._replace(max_record_bytes=1_000_000)
    first, second = read(path, how)
    assert first.text == b"first"
    where = f"{path}:33"
    if isinstance(second, records.Record):
        assert second == records.Record("7" if id_field else where, outcome.encode())
    else:
        assert second[:2] == (outcome, where)
        assert second.record == line[:200].decode(errors="backslashreplace")


def test_second_texts_are_a_field_or_the_same_for_all(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"text": "a", "b": "c"}\n{"text": "a"}\n{"text": "a", "b": 1}\n')
    how = read_options(records.JSON_LINES)._replace(max_record_bytes=100)
    good, *bad = read(path, how._replace(pair_field="b"))
    assert good[1:] == (b"a", b"c")
    assert [one.reason for one in bad] == ["no 'b'", "'b' is not a string"]
    path.write_bytes(b"a\n")
    (record,) = read(path, read_options(records.TEXT)._replace(pair="é?"))
    assert record[1:] == (b"a", "é?".encode())


def write_parquet(path, texts, *, text_type, rows=2):
    table = pa.table({"other": range(len(texts)), "text": pa.array(texts, text_type)})
    parquet.write_table(table, path, row_group_size=rows)


@pytest.mark.parametrize(
    "text_type",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ],
    ids=str,
)
def test_every_row_is_read_once_wherever_the_file_is_cut(text_type, tmp_path):
    path = tmp_path / "rows.parquet"
    write_parquet(path, ["a", None, "é", " ", "x" * 11, "y" * 10, "last"], text_type=text_type)
    expected = [
        records.Record("0", b"a"),
        ("no 'text'", f"{path}:1"),
        records.Record("2", "é".encode()),
        ("blank", f"{path}:3"),
        ("too long", f"{path}:4"),
        records.Record("5", b"y" * 10),
        records.Record("6", b"last"),
    ]
    size = path.stat().st_size
    for edges in [(), *((edge,) for edge in range(1, size, 5)), tuple(range(1, size, 7))]:
        found = [
            one[:2] if isinstance(one, records.BadRecord) else one
            for one in read(path, read_options(records.PARQUET, id_field="other"), edges=edges)
        ]
        assert found == expected, edges


@pytest.mark.parametrize(
    "text_type",
    [pa.string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_rows_that_are_not_utf8_or_not_strings_are_bad(text_type, tmp_path):
    path = tmp_path / "rows.parquet"
    not_utf8 = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.int32([0, 1, 2])), pa.py_buffer(b"a\xff")]
    )
    if pa.types.is_dictionary(text_type):
        column = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), not_utf8)
    else:
        column = not_utf8.cast(pa.binary()).cast(text_type, safe=False)
    parquet.write_table(pa.table({"text": column}), path)
    good, bad = read(path, read_options(records.PARQUET))
    assert good == records.Record(f"{path}:0", b"a")
    assert bad == records.BadRecord("not UTF-8", f"{path}:1", "b'\\xff'")
    write_parquet(path, [1, 2], text_type=pa.int64())
    assert {one.reason for one in read(path, read_options(records.PARQUET))} == {
        "'text' is not a string"
    }


@pytest.mark.parametrize(
    "values",
    [
        pa.array([10**9, 0, None], pa.date32()),
        pa.array([2**60, 0, None], pa.timestamp("us")),
        pa.array([0, 0, None], pa.timestamp("us", tz="No/Where")),
        pa.array([[10**9], [0], None], pa.list_(pa.date32())),
    ],
    ids=lambda values: str(values.type),
)
def test_values_that_python_does_not_have_are_neither_ids_nor_texts(values, tmp_path):
    path = tmp_path / "rows.parquet"
    texts = pa.array(["a", "b", "c"])
    how = read_options(records.PARQUET, id_field="id")
    is_neither = ["'id' is neither a string nor an integer"] * 2
    for as_field, reasons in (
        ({"text": texts, "id": values}, [*is_neither, "no 'id'"]),
        ({"text": values, "id": texts}, [*["'text' is not a string"] * 2, "no 'text'"]),
    ):
        parquet.write_table(pa.table(as_field), path)
        bad = read(path, how)
        assert [one.reason for one in bad] == reasons
        assert [one.where for one in bad] == [f"{path}:{row}" for row in range(3)]
    assert bad[0].record == str(parquet.read_schema(path).field("text").type)


def test_a_row_group_that_cannot_be_read_costs_no_other(tmp_path):
    path = tmp_path / "rows.parquet"
    write_parquet(path, [f"text {number}" for number in range(6)], text_type=pa.string())
    chunk = parquet.ParquetFile(path).metadata.row_group(1).column(1)
    begin = chunk.dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[begin : begin + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)
    found = read(path, read_options(records.PARQUET), edges=(begin // 2, begin, begin + 1))
    assert [one.text for one in found if isinstance(one, records.Record)] == [
        b"text 0", b"text 1", b"text 4", b"text 5",
    ]  # fmt: skip
    (bad,) = (one for one in found if isinstance(one, records.BadRecord))
    assert bad[:2] == ("not readable as Parquet", f"{path}:2")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no Parquet", "not readable as Parquet"),
        (b"", "not readable as Parquet"),
        (None, "no column 'text'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_bad_record(content, reason, tmp_path):
    path = tmp_path / "rows.parquet"
    if content is None:
        parquet.write_table(pa.table({"other": ["a"]}), path)
    else:
        path.write_bytes(content)
    (bad,) = read(path, read_options(records.PARQUET), edges=(3, 6))
    assert bad[:2] == (reason, str(path))


def test_what_the_storage_says_is_not_a_bad_record(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(records.read((str(tmp_path / "gone"), 0, 10), read_options(records.PARQUET)))


def test_bad_records_can_be_written_as_json(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"\xff\x00\n")
    (bad,) = read(path, read_options(records.TEXT))
    assert json.loads(json.dumps(bad._asdict()))["record"] == "\\xff\x00"


def test_batches_hold_every_text_once_within_the_budget_and_of_similar_length():
    lengths = np.random.default_rng(0).lognormal(3, 1, 1000).astype(int).tolist()
    budget = 500
    batches = batching.by_length(lengths, budget=budget)
    assert sorted(itertools.chain.from_iterable(batches)) == list(range(1000))
    sizes = [[lengths[index] for index in batch] for batch in batches]
    assert all(max(batch) * len(batch) <= budget or len(batch) == 1 for batch in sizes)
    assert all(max(one) <= min(other) for one, other in itertools.pairwise(sizes))
    # No batch has room for the next text.
    assert all(min(other) * (len(one) + 1) > budget for one, other in itertools.pairwise(sizes))
    assert batching.by_length([], budget=1) == []
