"""Benchmarks: every figure is a ratio or a rate measured in one run, on the machine at hand."""

from grok.bench.information import estimator, interplay, spectra
from grok.bench.measure import Section

SECTIONS: dict[str, Section] = {"estimator": estimator, "interplay": interplay, "spectra": spectra}

__all__ = ["SECTIONS"]
