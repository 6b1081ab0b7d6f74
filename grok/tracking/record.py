"""A run's record on disk: a Parquet table of all measurements, with one row per measured step."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from grok.tracking.errors import StoreError
from grok.tracking.files import write_atomically

ROW_GROUP_SIZE = 16_384


@dataclass(frozen=True)
class Record:
    """The table in one file, with a column `step` and one column per metric; a cell that was not measured is null."""

    path: Path

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read all columns, or those of the named columns that exist; the table is empty before the first write."""
        if not self.path.exists():
            return pa.table({"step": pa.array([], pa.int64())})
        with self._reading(), pq.ParquetFile(self.path) as file:
            return file.read(columns)

    def schema(self) -> pa.Schema:
        """Return the names and types of the columns; there are none before the first write."""
        if not self.path.exists():
            return pa.schema([])
        with self._reading():
            return pq.read_schema(self.path)

    def last_row(self) -> dict[str, Any]:
        """Return the measurements of the last recorded step; they are empty before the first write."""
        if not self.path.exists():
            return {}
        with self._reading(), pq.ParquetFile(self.path) as file:
            group = file.read_row_group(file.num_row_groups - 1)
        (row,) = group.slice(group.num_rows - 1).to_pylist()
        return {name: value for name, value in row.items() if value is not None}

    def append(self, table: pa.Table, *, first_step: int) -> None:
        """Replace the rows from `first_step` on by `table`.

        The record is copied row group by row group, so that only one row group is held in memory.
        """

        def write(path: Path) -> None:
            schema = pa.unify_schemas([self.schema(), table.schema])
            # Neighbouring values share their high bytes, so splitting floats into byte streams compresses them.
            floats = [name for name in schema.names if name != "step"]
            with pq.ParquetWriter(
                path, schema, compression="zstd", use_dictionary=False, use_byte_stream_split=floats
            ) as writer:
                rest = schema.empty_table()
                for part in itertools.chain(self._row_groups(before=first_step), [table]):
                    rest = pa.concat_tables([rest, part], promote_options="default")
                    while rest.num_rows >= ROW_GROUP_SIZE:
                        writer.write_table(rest.slice(0, ROW_GROUP_SIZE))
                        rest = rest.slice(ROW_GROUP_SIZE)
                if rest.num_rows:
                    writer.write_table(rest.combine_chunks())

        write_atomically(self.path, write)

    def _row_groups(self, *, before: int) -> Iterator[pa.Table]:
        if not self.path.exists():
            return
        with self._reading(), pq.ParquetFile(self.path) as file:
            for index in range(file.num_row_groups):
                group = file.read_row_group(index)
                yield group.filter(pc.less(group["step"], before))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn a damaged record into an error with the mend."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{self.path} is damaged ({_first_line(error)}): restore it from a copy, "
                "or train anew beside it with --again"
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
