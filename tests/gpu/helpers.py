"""The smallest sizes at which every part still measures something."""

import dataclasses

from grok.gpu.job import Job
from grok.gpu.sizes import SMALL

TINY = dataclasses.replace(
    SMALL,
    modulus=11,
    compared_steps=4,
    compared_members=(2,),
    compared_image_steps=1,
    steps=2,
    measured_steps=2,
    repeats=2,
    members=(1, 2),
    stacked_steps=2,
    run_steps=12,
    control_steps=12,
    control_seeds=2,
    batch_size=8,
    image_steps=1,
    preset_steps=6,
)


def tiny_job(out, *, stopped=lambda: False, said=None, **sizes) -> Job:
    return Job(
        device="cpu",
        sizes=dataclasses.replace(TINY, **sizes),
        out=out,
        data=out / "data",
        stopped=stopped,
        say=lambda line: None if said is None else said.append(line),
    )


def measure(measuring):
    """The tables that a part yields, and what it returns."""
    tables = []
    while True:
        try:
            tables.append(next(measuring))
        except StopIteration as end:
            return tables, end.value
