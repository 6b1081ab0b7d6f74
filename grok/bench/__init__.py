"""Benchmarks. Every figure is a ratio or a rate that is measured in one run on the current machine."""

from grok.bench.image_training import images
from grok.bench.information import estimator, interplay, large, spectra
from grok.bench.information_terms import objectives
from grok.bench.measure import Section
from grok.bench.scaling import memory, moduli, size, stack
from grok.bench.startup import startup
from grok.bench.sweeps import sweep
from grok.bench.threads import threads
from grok.bench.training import probes, recording, step

SECTIONS: dict[str, Section] = {
    "step": step,
    "probes": probes,
    "recording": recording,
    "threads": threads,
    "stack": stack,
    "sweep": sweep,
    "size": size,
    "memory": memory,
    "moduli": moduli,
    "images": images,
    "objectives": objectives,
    "startup": startup,
    "estimator": estimator,
    "large": large,
    "interplay": interplay,
    "spectra": spectra,
}

__all__ = ["SECTIONS"]
