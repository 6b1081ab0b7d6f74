"""Time of a training step and of a measurement by modulus and width, as `grok bench size --json` measured it."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import Source
from grok.figures.style import BLUE, GREEN, SKY, VERMILION, panels
from grok.tracking import StoreError

FILE = "cost.json"
PAIRINGS = {"prototype": VERMILION, "sample": GREEN, "embedding": SKY}
LINES = {128: "-", 512: "--"}


def draw_cost(path: Path) -> Drawing:
    """Draw the times of a training step and of a measurement from the output of `grok bench size --json`."""
    machine, times = _read(path)
    figure, (step, measurement) = panels(2, across=2, size=(6.1, 5.4), foot=0.04, xlabel="modulus p")
    for d_model, rows in times.groupby("d_model"):
        line = LINES.get(int(str(d_model)), ":")
        step.plot(rows["p"], rows["step"], line, marker="o", color=BLUE, label=f"d_model = {d_model}")
        for pairing, colour in PAIRINGS.items():
            measurement.plot(rows["p"], rows[pairing], line, marker="o", color=colour, label=f"{pairing}, {d_model}")
    step.set(xscale="log", yscale="log", title="a training step, on 30 % of the p² pairs", ylabel="time (ms)")
    measurement.set(title="a measurement on train and test")
    ticks = sorted(times["p"].unique())
    for axis in (step, measurement):
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
    step.legend()
    measurement.legend(title="pairing, d_model", alignment="left", loc="upper left", bbox_to_anchor=(1, 1))
    return Drawing(name="cost", figure=figure, table=times, stamp=machine)


def _benchmarks(source: Source) -> list[Path]:
    path = source.folder / FILE
    return [path] if path.exists() else []


def _read(path: Path) -> tuple[str, pd.DataFrame]:
    """Return a description of the machine, and the times in milliseconds with one row per size."""
    try:
        bench: dict[str, Any] = json.loads(path.read_text())
        machine, rows = bench["machine"], bench["sections"]["size"]["rows"]
        times = pd.DataFrame(
            [
                {"p": row["p"], "d_model": row["d_model"], "step": row["step"]["median"] * 1e3}
                | {pairing: row[f"measuring {pairing}"]["median"] * 1e3 for pairing in PAIRINGS}
                for row in rows
            ]
        )
        stamp = (
            f"grok bench size: {machine['device_name']}, {machine['threads']} threads, "
            f"torch {machine['versions']['torch']}, commit {machine['git_commit']}"
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read ({error!r}): make it anew by `grok bench size --json`") from error
    return stamp, times


COST = FigureKind(
    name="cost",
    about="the file cost.json, which `grok bench size --json` writes",
    subjects=_benchmarks,
    picture=draw_cost,
)
