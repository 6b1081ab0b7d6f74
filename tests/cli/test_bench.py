"""The benchmark's tables are for readers, its JSON for programs."""

import json
import re

from grok.cli import main


def test_bench_prints_a_table_and_the_machine_or_both_as_json(capsys):
    assert main(["bench", "interplay", "--device", "cpu"]) == 0
    machine, _, title, _, header, *_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r".*, \d+ threads, torch 2\..*; median of interleaved repeats, .*", machine)
    assert title == "`gram_interplay`, in float64, with C = 113 and d = 128:"
    assert header == "| one interplay | time |"
    assert main(["bench", "interplay", "--json", "--device", "cpu"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["machine"]["device"] == "cpu"
    (value, *_) = measured["sections"]["interplay"]["rows"]
    assert 0 < value["time"]["low"] <= value["time"]["median"] <= value["time"]["high"]
