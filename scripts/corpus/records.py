"""Reads the records of a range of a file: text, JSON lines or Parquet.

Example:
    for record in records.read(("a.jsonl", 0, 1000), options):
        print(record.text if isinstance(record, records.Record) else record.reason)

A line belongs to the range of bytes in which it begins, and a row group to the range in which its
first page begins. So every record is read once, however files are split, and nothing is read to
split them. Blank lines are no records.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from scripts.corpus import storage

TEXT, JSON_LINES, PARQUET = "text", "jsonl", "parquet"
FORMATS = (TEXT, JSON_LINES, PARQUET)

# Path, first byte, and the byte after the last. A tuple, which the coders of every runner know.
FileRange = tuple[str, int, int]

_ROWS = 4096  # of a Parquet file, decoded at a time
_EXCERPT = 200  # characters of a bad record that are kept


class ReadOptions(NamedTuple):
    """Options that determine the records of a file.

    Attributes:
      input_format: one of `FORMATS`.
      text_field: field or column of the text; empty for the format text.
      id_field: field or column of the id; empty for `<path>:<offset or row>`.
      max_record_bytes: longest allowed line, or text of a row.
      pair_field: field or column of the second text, if there is one.
      pair: the second text of all records, instead.
    """

    input_format: str
    text_field: str
    id_field: str
    max_record_bytes: int
    pair_field: str = ""
    pair: str = ""

    def fields(self) -> list[str]:
        """Returns the fields or columns that are read."""
        return [field for field in (self.text_field, self.id_field, self.pair_field) if field]


class Record(NamedTuple):
    """An id, a text in UTF-8, and the second text, where records have one."""

    id: str
    text: bytes
    pair: bytes = b""


class BadRecord(NamedTuple):
    """A record that cannot be embedded.

    Attributes:
      reason: one of a few reasons, which are counted.
      where: path of the file, a colon, and the line's offset in bytes or the number of the row.
      record: the beginning of the record.
    """

    reason: str
    where: str
    record: str


class _BadRecordError(Exception):
    """A record is bad; the message is the reason."""


def read(file_range: FileRange, options: ReadOptions) -> Iterator[Record | BadRecord]:
    """Yields the records of a range of a file, in order."""
    path, start, stop = file_range
    with storage.reading(path) as file:
        if options.input_format == PARQUET:
            yield from _row_groups(file, file_range, options)
            return
        for offset, line in _lines(file, start, stop, options.max_record_bytes):
            where = f"{path}:{offset}"
            try:
                if len(line) > options.max_record_bytes:
                    raise _BadRecordError("too long")
                if not line.decode(errors="replace").strip():
                    continue
                yield _parsed(line, where, options)
            except _BadRecordError as bad:
                excerpt = line[:_EXCERPT].decode(errors="backslashreplace")
                yield BadRecord(str(bad), where, excerpt)


def _lines(file: BinaryIO, start: int, stop: int, max_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yields offset and content of each line without its end; only the start of too long lines."""
    offset = start
    if start > 0:
        file.seek(start - 1)
        offset += _skip_line(file, max_bytes) - 1
    while offset < stop and (line := file.readline(max_bytes + 2)):  # room for \r\n
        length = len(line)
        if not line.endswith(b"\n") and length == max_bytes + 2:
            length += _skip_line(file, max_bytes)
        yield offset, line.removesuffix(b"\n").removesuffix(b"\r")
        offset += length


def _skip_line(file: BinaryIO, chunk: int) -> int:
    """Reads to the end of a line; returns the number of bytes."""
    skipped = 0
    while line := file.readline(chunk):
        skipped += len(line)
        if line.endswith(b"\n"):
            break
    return skipped


def _parsed(line: bytes, where: str, options: ReadOptions) -> Record:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise _BadRecordError("not UTF-8") from None
    if options.input_format == TEXT:
        return Record(where, _text(text), options.pair.encode())
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise _BadRecordError("not JSON") from None
    if not isinstance(fields, dict):
        raise _BadRecordError("not a JSON object")
    return _record(fields, where, options)


def _record(fields: dict[str, Any], where: str, options: ReadOptions) -> Record:
    """Makes a record of its fields; raises `_BadRecordError` if they are missing or invalid."""
    for field in options.fields():
        if fields.get(field) is None:
            raise _BadRecordError(f"no {field!r}")
    for field in (options.text_field, options.pair_field):
        if field and not isinstance(fields[field], str):
            raise _BadRecordError(f"{field!r} is not a string")
    key = fields[options.id_field] if options.id_field else where
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        raise _BadRecordError(f"{options.id_field!r} is neither a string nor an integer")
    _text(str(key))  # the same rules as for the text
    pair = _text(fields[options.pair_field]) if options.pair_field else options.pair.encode()
    return Record(str(key), _text(fields[options.text_field]), pair)


def _text(text: str) -> bytes:
    """Returns the text in UTF-8; raises `_BadRecordError` if it is blank or not Unicode."""
    if not text.strip():
        raise _BadRecordError("blank")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _BadRecordError("not Unicode") from None  # half a surrogate pair, by JSON's escapes


def _row_groups(
    file: BinaryIO, file_range: FileRange, options: ReadOptions
) -> Iterator[Record | BadRecord]:
    """Yields the records of the row groups that begin in the range."""
    path, start, stop = file_range
    columns = options.fields()
    try:
        table = parquet.ParquetFile(file)
        missing = set(columns) - set(table.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        if start == 0:  # a bad footer fails all ranges of the file: only the first reports it
            yield _unreadable(path, error)
        return
    if missing:
        if start == 0:
            yield BadRecord(f"no column {min(missing)!r}", path, "")
        return
    row = 0
    for number in range(table.num_row_groups):
        group = table.metadata.row_group(number)
        if start <= _begin(group) < stop:
            done = row
            try:
                for batch in table.iter_batches(_ROWS, row_groups=[number], columns=columns):
                    yield from _rows(batch, path, done, options)
                    done += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                yield _unreadable(f"{path}:{done}", error)
        row += group.num_rows


def _begin(group: parquet.RowGroupMetaData) -> int:
    """Returns the offset of a row group's first page."""
    column = group.column(0)
    return column.dictionary_page_offset or column.data_page_offset


def _unreadable(where: str, error: Exception) -> BadRecord:
    """Makes a bad record of an error of Parquet's reader; raises errors of the storage."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error  # a retry may succeed
    return BadRecord("not readable as Parquet", where, str(error)[:_EXCERPT])


def _rows(
    batch: pa.RecordBatch, path: str, first: int, options: ReadOptions
) -> Iterator[Record | BadRecord]:
    names = batch.schema.names
    columns = [map(_value, column) for column in batch.columns]
    for number, values in enumerate(zip(*columns, strict=True), start=first):
        where = f"{path}:{number}"
        fields = dict(zip(names, values, strict=True))
        try:
            record = _record(_decoded(fields), where, options)
            if max(len(record.text), len(record.pair)) > options.max_record_bytes:
                raise _BadRecordError("too long")
            yield record
        except _BadRecordError as bad:
            yield BadRecord(str(bad), where, str(fields[options.text_field])[:_EXCERPT])


def _value(scalar: pa.Scalar) -> Any:
    """Returns a value: bytes where text is not UTF-8, the type where Python has no such value."""
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        return error.object
    except (ValueError, ArithmeticError, LookupError):  # a year or a time zone that it lacks
        return scalar.type


def _decoded(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        return {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in fields.items()
        }
    except UnicodeDecodeError:
        raise _BadRecordError("not UTF-8") from None
