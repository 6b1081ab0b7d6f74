"""Benchmarks: every figure is a ratio or a rate measured in one run, on the machine at hand."""

from grok.bench.information import estimator, interplay, large, spectra
from grok.bench.measure import Section
from grok.bench.training import probes, recording, step

SECTIONS: dict[str, Section] = {
    "step": step,
    "probes": probes,
    "recording": recording,
    "estimator": estimator,
    "large": large,
    "interplay": interplay,
    "spectra": spectra,
}

__all__ = ["SECTIONS"]
