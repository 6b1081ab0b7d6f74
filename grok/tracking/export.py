"""A small copy of finished runs, to be shared or committed: fewer rows, chosen columns, single precision."""

import shutil
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from grok.tracking.errors import StoreError
from grok.tracking.run import Run

EARLIEST = 10  # steps up to here are one decade's worth at most


def export_run(
    run: Run,
    target: Path,
    *,
    rows: int,
    columns: Sequence[str] = ("*",),
    phase_columns: Sequence[str] = (),
    sweeps: Sequence[str] | None = None,
) -> tuple[Run, bool]:
    """Copy a finished run into the store at `target`: its run.json and a thinned record, without checkpoints.

    The copy keeps `rows` rows a decade of steps, the last row, the ends of the phases that `phase_columns` tell apart,
    and the columns that match a pattern, in float32; run.json says so under `exported`. The summary stays that of the
    whole record, but for values of columns that are not kept. The command loses the folders of the machine that trained
    the run. The copy names the sweeps that the run is of, or those in `sweeps` alone: what is copied of another sweep
    is only a part of it. If the same copy is there already it is left as it is, but for further sweeps.

    Returns: the copy, and whether it is a new one.

    Raises:
        StoreError: a run that is not finished, a target that has another copy in its place, or patterns of no column.
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
    # pyarrow takes NaN from pandas for null, which is what a cell that was not measured is.
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
    """What a summary tells of these columns, with all steps at which something happened."""

    def of_events(events: Mapping[str, Any]) -> dict[str, Any]:
        kept = {}
        for name, value in events.items():
            of_pairing = isinstance(value, dict) and name != "turns"
            if not of_pairing or any(f"interplay/{name}/{ratio}" in names for ratio in ("mir", "hdr")):
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
    for name in ("config_hash", "seed", "created", "exported"):
        if there.get(name) != wanted[name]:
            raise StoreError(
                f"{copy.path} is there already: expected {name} {wanted[name]}, got {there.get(name)}; delete it, or "
                "choose another --to"
            )


def without_folders(command: Sequence[str]) -> list[str]:
    """The command that trained a run without where that was: the store is left out, and of a path its last part kept.

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
    """About so many rows a decade of steps: for each column, its first measurement at or after each log-spaced step.

    The last measurement of each column is kept too. So are the first and the last row of each phase of a training, if
    `phase_columns` tell its phases apart. `metrics` is indexed by step.
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
