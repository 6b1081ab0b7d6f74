"""Helpers that run commands on the small problem and read the files that they leave."""

from grok.arguments import parse
from grok.cli import main
from grok.cli.options import TrainOptions, with_config
from grok.config import GrokkingConfig
from grok.experiments.grokking import paper
from tests.helpers import SMALL_FLAGS


def train(runs, *arguments, steps=3):
    return main(["train", "grokking", *SMALL_FLAGS, "--steps", str(steps), "--runs", str(runs), *arguments])


def error_line(capsys):
    """Return the error line on stderr, which follows the progress lines of a run that began."""
    *progress, line = capsys.readouterr().err.splitlines()
    usual = ("step ", "weights: at most ", "grok: the failure could not be recorded: ")
    assert all(each.startswith(usual) for each in progress)
    assert line.startswith("grok: ")
    return line


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def parse_train(*arguments, config=None):
    options_type = with_config(GrokkingConfig, ("paper", "laptop"))
    return parse(
        options_type,
        "train grokking",
        arguments,
        default=TrainOptions(config=config or paper(), preset="paper"),
    )
