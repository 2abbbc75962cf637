"""Reads the records of a part of a file: text, JSON lines or Parquet.

Example:
    for record in records.read(("a.jsonl", 0, 1000), source):
        print(record.text if isinstance(record, records.Record) else record.reason)

A part is a range of bytes. A line belongs to the part in which it begins, a row group to the one in
which its first page begins: so every record is read once, wherever files are cut, and nothing has
to be read to cut them.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from scripts.corpus import storage

TEXT, JSON_LINES, PARQUET = "text", "jsonl", "parquet"
FORMATS = (TEXT, JSON_LINES, PARQUET)

# Path, first byte and the byte after the last. A tuple: every runner's coders know it.
Part = tuple[str, int, int]

_ROWS = 4096  # of a Parquet file that are decoded at once
_EXCERPT = 200  # characters of a bad record that are kept


class Source(NamedTuple):
    """How records are read.

    Attributes:
      input_format: one of `FORMATS`.
      text_field: field or column of the text; empty with text.
      id_field: field or column of the id; empty if it is `<path>:<place>`.
      max_record_bytes: longest line, or text of a row, that is no bad record.
    """

    input_format: str
    text_field: str
    id_field: str
    max_record_bytes: int


class Record(NamedTuple):
    """A text in UTF-8 and its id."""

    id: str
    text: bytes


class BadRecord(NamedTuple):
    """A record that cannot be embedded.

    Attributes:
      reason: why, in words that do not depend on the record, so that they can be counted.
      where: path of the file, a colon, and the line's offset in bytes or the number of the row.
      record: its beginning.
    """

    reason: str
    where: str
    record: str


class _BadRecordError(Exception):
    """The reason why a record is bad."""


def read(part: Part, source: Source) -> Iterator[Record | BadRecord]:
    """Yields the records of a part of a file, in order."""
    path, start, stop = part
    with storage.reading(path) as file:
        if source.input_format == PARQUET:
            yield from _row_groups(file, part, source)
            return
        for offset, line in _lines(file, start, stop, source.max_record_bytes):
            where = f"{path}:{offset}"
            try:
                if len(line) > source.max_record_bytes:
                    raise _BadRecordError("too long")
                yield _parsed(line, where, source)
            except _BadRecordError as bad:
                excerpt = line[:_EXCERPT].decode(errors="backslashreplace")
                yield BadRecord(str(bad), where, excerpt)


def _lines(file: BinaryIO, start: int, stop: int, max_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yields offset and content of each line, without its end; a longer one's beginning only."""
    offset = start
    if start > 0:
        file.seek(start - 1)
        offset += _skip_line(file, max_bytes) - 1
    while offset < stop and (line := file.readline(max_bytes + 2)):  # with room for \r\n
        length = len(line)
        if not line.endswith(b"\n") and length == max_bytes + 2:
            length += _skip_line(file, max_bytes)
        yield offset, line.removesuffix(b"\n").removesuffix(b"\r")
        offset += length


def _skip_line(file: BinaryIO, chunk: int) -> int:
    """Reads to the end of a line, however long; returns the number of bytes."""
    skipped = 0
    while line := file.readline(chunk):
        skipped += len(line)
        if line.endswith(b"\n"):
            break
    return skipped


def _parsed(line: bytes, where: str, source: Source) -> Record:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise _BadRecordError("not UTF-8") from None
    if source.input_format == TEXT:
        return Record(where, _text(text))
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise _BadRecordError("not JSON") from None
    if not isinstance(fields, dict):
        raise _BadRecordError("not a JSON object")
    return _record(fields, where, source)


def _record(fields: dict[str, Any], where: str, source: Source) -> Record:
    """Makes a record of fields.

    Raises:
      _BadRecordError: they do not hold what they must.
    """
    for field in (source.text_field, source.id_field):
        if field and fields.get(field) is None:
            raise _BadRecordError(f"no {field!r}")
    text = fields[source.text_field]
    if not isinstance(text, str):
        raise _BadRecordError(f"{source.text_field!r} is not a string")
    key = fields[source.id_field] if source.id_field else where
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        raise _BadRecordError(f"{source.id_field!r} is neither a string nor an integer")
    _text(str(key))  # what goes for text
    return Record(str(key), _text(text))


def _text(text: str) -> bytes:
    """Returns the text in UTF-8.

    Raises:
      _BadRecordError: it is blank, or JSON's escapes gave half a surrogate pair.
    """
    if not text.strip():
        raise _BadRecordError("blank")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _BadRecordError("not Unicode") from None


def _row_groups(file: BinaryIO, part: Part, source: Source) -> Iterator[Record | BadRecord]:
    """Yields the records of the row groups that begin in the part."""
    path, start, stop = part
    columns = [field for field in (source.text_field, source.id_field) if field]
    try:
        table = parquet.ParquetFile(file)
        missing = set(columns) - set(table.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        if start == 0:  # the footer fails every part of the file; the first speaks for all
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
                    yield from _rows(batch, path, done, source)
                    done += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                yield _unreadable(f"{path}:{done}", error)
        row += group.num_rows


def _begin(group: parquet.RowGroupMetaData) -> int:
    """Returns the offset of a row group's first page."""
    column = group.column(0)
    return column.dictionary_page_offset or column.data_page_offset


def _unreadable(where: str, error: Exception) -> BadRecord:
    """Makes a bad record of what Parquet's reader says; raises again what the storage says."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error  # it may work at the next try
    return BadRecord("not readable as Parquet", where, str(error)[:_EXCERPT])


def _rows(
    batch: pa.RecordBatch, path: str, first: int, source: Source
) -> Iterator[Record | BadRecord]:
    names = batch.schema.names
    for number, values in enumerate(zip(*map(_values, batch.columns), strict=True), start=first):
        where = f"{path}:{number}"
        fields = dict(zip(names, values, strict=True))
        try:
            record = _record(_decoded(fields), where, source)
            if len(record.text) > source.max_record_bytes:
                raise _BadRecordError("too long")
            yield record
        except _BadRecordError as bad:
            yield BadRecord(str(bad), where, str(fields[source.text_field])[:_EXCERPT])


def _values(column: pa.Array) -> list[Any]:
    """Returns the values of a column, strings as bytes: nobody checked that they are UTF-8."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    return column.to_pylist()


def _decoded(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        return {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in fields.items()
        }
    except UnicodeDecodeError:
        raise _BadRecordError("not UTF-8") from None
