"""`python -m grok` is the same program as the installed `grok`."""

import io
import sys

from grok.processors import let_waiting_threads_sleep


def main() -> int:
    """Run the command line; Ctrl-C is one line from the first import on."""
    let_waiting_threads_sleep()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # some terminals lack signs such as ² in help and tables
    try:
        from grok.cli import main as run
    except KeyboardInterrupt:
        print("grok: interrupted", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
