"""The command line.

Errors are one line on stderr. The exit status is 0 after success, 1 after a failure, 2 after bad usage and 130 after an
interrupt.
"""

from grok.cli.commands import main

__all__ = ["main"]
