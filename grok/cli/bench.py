"""The command `bench`, which measures time, memory and accuracy on this machine."""

import json
from collections.abc import Sequence

from grok.arguments import choose, parse
from grok.cli.devices import choose_device
from grok.cli.endings import DONE
from grok.cli.options import BenchOptions


def bench(arguments: Sequence[str]) -> int:
    """Measure time, memory and accuracy: grok bench [SECTION ...] [--json]."""
    from tqdm import tqdm

    from grok.bench import SECTIONS
    from grok.bench.targets import targets
    from grok.tracking.environment import describe_environment

    listed = "\n\n".join(
        f"{name}: {(section.__doc__ or '').partition(chr(10))[0]}" for name, section in SECTIONS.items()
    )
    about = f"{BenchOptions.__doc__} All sections together take about forty minutes.\n\n{listed}"
    options = parse(BenchOptions, "bench", arguments, description=about)
    names = options.sections or tuple(SECTIONS)
    for name in names:
        choose("section", name, SECTIONS)
    device = choose_device(options.device)
    machine = describe_environment(device)
    with tqdm(desc="bench", bar_format="{desc}  {elapsed}", leave=False) as line:
        tables = {name: SECTIONS[name](device, line.set_description_str) for name in names}
    if reached := targets(tables, device):
        tables["targets"] = reached
    if options.json:
        measured = {name: table.json() for name, table in tables.items()}
        print(json.dumps({"machine": machine, "sections": measured}, indent=2))
    else:
        print(f"{machine['device_name']}, {machine['threads']} threads, torch {machine['versions']['torch']}", end="")
        print("; median of interleaved repeats, fastest to slowest in brackets")
        for table in tables.values():
            print(f"\n{table.markdown()}")
    return DONE
