"""How the time of a step and of a measurement grows with modulus and width, as `grok bench size --json` measured it."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.style import BLUE, GREEN, SKY, VERMILION, styled, write_figure
from grok.tracking import StoreError

FILE = "cost.json"
PAIRINGS = {"prototype": VERMILION, "sample": GREEN, "embedding": SKY}
LINES = {128: "-", 512: "--"}


def draw_cost(source: Path, target: Path) -> list[Path]:
    """Draw `source`/cost.json, made by `grok bench size --json > cost.json`; nothing if it is not there."""
    path = source / FILE
    if not path.exists():
        return []
    machine, times = _read(path)
    with styled():
        figure = Figure(figsize=(12.2, 5.4), layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96)))
        axes = figure.subplots(1, 2, sharex=True, sharey=True)
        for d_model, rows in times.groupby("d_model"):
            line = LINES.get(int(str(d_model)), ":")
            axes[0].plot(rows["p"], rows["step"], line, marker="o", color=BLUE, label=f"d_model = {d_model}")
            for pairing, colour in PAIRINGS.items():
                axes[1].plot(rows["p"], rows[pairing], line, marker="o", color=colour, label=f"{pairing}, {d_model}")
        axes[0].set(xscale="log", yscale="log", title="a training step, on 30 % of the p² pairs")
        axes[0].set(xlabel="modulus p", ylabel="time (ms)")
        axes[1].set(xlabel="modulus p", title="a measurement on train and test")
        ticks = sorted(times["p"].unique())
        for axis in axes:
            axis.set_xticks(ticks, [str(tick) for tick in ticks])
            axis.minorticks_off()
        axes[0].legend()
        axes[1].legend(title="pairing, d_model", alignment="left", loc="upper left", bbox_to_anchor=(1, 1))
        return write_figure(figure, times, target, "cost", stamp=machine)


def _read(path: Path) -> tuple[str, pd.DataFrame]:
    """What was measured on, and a row a size with times in milliseconds."""
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
