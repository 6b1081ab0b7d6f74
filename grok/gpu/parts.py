"""The parts of the measurement, in their order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One part, which runs in a process of its own."""

    name: str
    what: str
    share: int
    """Its share of the time. The shares add up to about 600, so that they are seconds if ten minutes are given."""
    function: str
    """`module:name` of the function, whose module is imported only in the part's process."""


MACHINE = Part("machine", "what this machine is", 60, "grok.gpu.machine:describe")
"""The first part of every call, without which no other begins."""

PARTS = (
    Part("tests", "the device tests", 60, "grok.gpu.checks:tests"),
    Part("captured", "captured steps held to eager ones", 35, "grok.gpu.checks:captured"),
    Part("step", "a step of one run", 30, "grok.gpu.costs:step"),
    Part("probes", "all pairings at every step", 40, "grok.gpu.costs:probes"),
    Part("recording", "store, recorder, mirror", 25, "grok.gpu.costs:recording"),
    Part("stack", "stacks of runs", 60, "grok.gpu.costs:stack"),
    Part("spectra", "eigenvalues against determinants", 20, "grok.gpu.costs:spectra"),
    Part("paper", "one `paper` run to its end", 50, "grok.gpu.trainings:paper_run"),
    Part("controls", "a grokking run and its controls", 90, "grok.gpu.trainings:controls"),
    Part("images", "wide residual network, samples a second", 100, "grok.gpu.costs:images"),
    Part("preset", "as much of the preset `gpu` as fits", 60, "grok.gpu.trainings:preset"),
)
