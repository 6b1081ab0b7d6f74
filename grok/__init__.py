"""Grokking experiments with the information interplay of representation and head measured as they train.

The Python interface is in `grok.interface`, and its functions are here as well:

    import grok

    run = grok.train("grokking", preset="small")
    run.record, run.events, run.model(run.steps[-1])
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["Run", "Sweep", "open_run", "open_runs", "open_sweep", "train"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from grok import interface  # only when it is used, since `import grok` is light

    return getattr(interface, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
