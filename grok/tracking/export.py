"""Small copies of finished runs to share or to commit, with fewer rows, chosen columns and single precision."""

import shutil
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from grok.columns import RATIOS, interplay
from grok.tracking.errors import StoreError
from grok.tracking.run import Run

EARLIEST = 10  # shorter records count as one decade of steps


def export_run(
    run: Run,
    target: Path,
    *,
    rows: int,
    columns: Sequence[str] = ("*",),
    phase_columns: Sequence[str] = (),
    sweeps: Sequence[str] | None = None,
) -> tuple[Run, bool]:
    """Copy the run.json and a thinned record of a finished run into the store at `target`, without checkpoints.

    The copy keeps the columns that match a pattern, in float32. Of the rows it keeps `rows` per decade of steps, the
    last one, and the first and last of each phase, which `phase_columns` distinguish. The field `exported` of run.json
    records this choice.

    The summary is that of the whole record, without the values of columns that are left out. The folders of the machine
    that trained the run are removed from the command. The copy names the sweeps to which the run belongs. If `sweeps`
    is given it names only those, because the target may have only a part of another sweep. If the same copy exists
    already, only its sweeps are extended.

    Returns: the copy, and whether it is new.

    Raises:
        StoreError: if the run is not finished, if the target has a different copy in its place, or if no column matches
            a pattern.
    """
    manifest = run.manifest()
    if manifest["status"] != "finished":
        raise StoreError(f"run {run.name} is {manifest['status']}: expected a finished one to export, `grok resume` it")
    copy = Run(target / manifest["experiment"] / run.id)
    of_sweeps = [name for name in manifest.get("sweeps", []) if sweeps is None or name in sweeps]
    exported = {"rows_a_decade": rows, "columns": list(columns), "dtype": "float32"}
    if copy.path.exists():
        _require_same(copy, manifest | {"exported": exported})
        there = copy.manifest().get("sweeps", [])
        if further := [name for name in of_sweeps if name not in there]:
            copy.update(sweeps=[*there, *further])
        return copy, False
    names = [name for name in run.columns() if any(fnmatch(name, pattern) for pattern in columns)]
    if not names:
        raise StoreError(
            f"run {run.name} has no column like {', '.join(columns)}: expected patterns such as 'test/*', in quotes"
        )
    record = thinned(run.read_table(["step", *names]).to_pandas().set_index("step"), rows, phase_columns)
    # pyarrow turns NaN from pandas into null, which stands for a cell that was not measured.
    table = pa.Table.from_pandas(
        record.astype(np.float32).reset_index(), preserve_index=False
    ).replace_schema_metadata()
    temporary = copy.path.with_name(f".{copy.id}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    shutil.copy(run.path / "run.json", temporary)
    Run(temporary).append_table(table, first_step=0)
    Run(temporary).update(
        exported=exported,
        command=without_folders(manifest["command"]),
        data=None,
        sweeps=of_sweeps or None,
        summary=_of_columns(manifest["summary"], names),
    )
    temporary.rename(copy.path)
    return copy, True


def _of_columns(summary: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the part of a summary that describes these columns, with the steps of all events."""

    def of_events(events: Mapping[str, Any]) -> dict[str, Any]:
        kept = {}
        for name, value in events.items():
            of_pairing = isinstance(value, dict) and name != "turns"
            if not of_pairing or any(interplay(name, ratio) in names for ratio in RATIOS):
                kept[name] = value
        return kept

    kept = dict(summary)
    if "events" in summary:
        kept["events"] = of_events(summary["events"])
    if "last" in summary:
        kept["last"] = {column: value for column, value in summary["last"].items() if column in names}
    if "twin" in summary:
        kept["twin"] = _of_columns(summary["twin"], names)
    return kept


def _require_same(copy: Run, wanted: Mapping[str, Any]) -> None:
    there = copy.manifest()
    for name in ("config", "seed", "created", "exported"):
        if there.get(name) != wanted[name]:
            raise StoreError(
                f"{copy.path} is there already: expected {name} {wanted[name]}, got {there.get(name)}; delete it, or "
                "choose another --to"
            )


def without_folders(command: Sequence[str]) -> list[str]:
    """Return the command that trained a run without the folders of its machine.

    The store is left out, and only the last part of every path is kept.

    >>> without_folders(["grok", "sweep", "/home/me/mine.toml", "--runs", "/data/runs", "--device", "cpu"])
    ['grok', 'sweep', 'mine.toml', '--device', 'cpu']
    """
    words = iter(command)
    kept = []
    for word in words:
        if word == "--runs":
            next(words, None)
        elif not word.startswith("--runs="):
            kept.append(word.rpartition("/")[2])
    return kept


def thinned(metrics: pd.DataFrame, rows: int, phase_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return about `rows` rows per decade of steps of a record that is indexed by step.

    For each column it keeps the first measurement at or after each log-spaced step, and the last measurement. If
    `phase_columns` distinguish phases of the training, it also keeps the first and the last row of each phase.
    """
    decades = np.log10(max(int(metrics.index.max()), EARLIEST) + 1)
    wanted = np.geomspace(1, metrics.index.max() + 1, max(2, round(decades * rows))) - 1
    kept: set[int] = set()
    for column in metrics.columns:
        measured = metrics.index[metrics[column].notna()]
        if len(measured):
            kept |= set(measured[np.searchsorted(measured, wanted).clip(0, len(measured) - 1)])
    for column in metrics.columns.intersection(list(phase_columns)):
        values = metrics[column].dropna()
        kept |= set(values.index[values.ne(values.shift()) | values.ne(values.shift(-1))])
    return metrics.loc[sorted(kept)]
