"""Helpers that make sweeps of the small problem."""

from pathlib import Path

from grok.experiment import experiments
from grok.sweep.expand import expand
from grok.sweep.file import SweepFile, read_sweep

SMALL = """
[base]
model = {d_model = 16, num_heads = 2, d_head = 8, d_mlp = 32}
task = {modulus = 11, train_fraction = 0.5}
probes.sample_size = 32
"""


def write(folder: Path, text: str, name: str = "sweep.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def read(folder: Path, text: str) -> SweepFile:
    return read_sweep(write(folder, text), experiments())


def small_sweep(folder: Path, *, steps: int = 300, seeds: str = "0-3", decays: str = "[0, 0.3, 1]") -> Path:
    """A file that asks for the small problem at each weight decay, for each seed."""
    text = f'experiment = "grokking"\nseeds = "{seeds}"\n{SMALL}steps = {steps}\n[axes]\n'
    return write(folder, f"{text}optimiser.weight_decay = {decays}\n")


def wanted_of(path: Path):
    return expand(read_sweep(path, experiments()))
