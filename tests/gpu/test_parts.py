"""The parts are those of ten minutes, and every target of a GPU has a part that measures it."""

import inspect

from grok.bench.targets import TARGETS
from grok.gpu.child import find
from grok.gpu.parts import MACHINE, PARTS


def test_every_part_has_a_function_and_a_name_of_its_own():
    for part in (MACHINE, *PARTS):
        function = find(part.function)
        assert inspect.isgeneratorfunction(inspect.unwrap(function))
        assert function.__doc__
    assert len({part.name for part in (MACHINE, *PARTS)}) == 1 + len(PARTS)


def test_the_shares_are_about_ten_minutes():
    assert 540 <= sum(part.share for part in (MACHINE, *PARTS)) <= 660


def test_every_target_of_a_gpu_is_measured_by_a_part():
    wanted = {target.section for target in TARGETS if target.device == "cuda"}
    assert wanted == {"step", "probes", "stack"}
    assert wanted <= {part.name for part in PARTS}
