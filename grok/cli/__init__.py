"""The command line. Errors are one line on stderr; exit status 0 done, 1 failed, 2 bad usage, 130 interrupted."""

from grok.cli.commands import main

__all__ = ["main"]
