"""The table of commands, and the function that runs one and reports an error in one line."""

import os
import sys
from collections.abc import Callable, Sequence

from grok import __version__
from grok.arguments import UsageError, choose
from grok.cli.bench import bench
from grok.cli.endings import BAD_USAGE, DONE, FAILED, INTERRUPTED, print_table, program
from grok.cli.records import dashboard, export, figures, list_runs, show
from grok.cli.training import resume, sweep, train
from grok.config import ConfigError
from grok.tracking.notes import each_once

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "train": train,
    "resume": resume,
    "sweep": sweep,
    "list": list_runs,
    "show": show,
    "export": export,
    "figures": figures,
    "dashboard": dashboard,
    "bench": bench,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        if not words or words[0] in ("-h", "--help"):
            print("usage: grok COMMAND [options]; `grok COMMAND --help` lists them\n")
            print_table({name: command.__doc__ or "" for name, command in COMMANDS.items()})
            print("\n--version prints the version, and --debug shows the traceback of an error")
            return DONE if words else BAD_USAGE
        if words == ["--version"]:
            print(f"grok {__version__}")
            return DONE
        with each_once():
            status: int = choose("command", words[0], COMMANDS)(words[1:])
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of the pipe, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        if debug:
            raise
        print("grok: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (UsageError, ConfigError) as error:
        return _fail(error, BAD_USAGE, debug)
    except Exception as error:
        return _fail(error, FAILED, debug)


def _fail(error: Exception, status: int, debug: bool) -> int:
    if debug:
        raise error
    known = type(error).__module__.startswith("grok.")
    text = str(error) if known else f"{type(error).__name__}: {error} (--debug shows where)"
    text = " ".join(text.split()).replace("`grok ", f"`{program()} ")
    print(f"grok: {text}", file=sys.stderr)
    return status
