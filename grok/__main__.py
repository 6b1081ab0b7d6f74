"""`python -m grok` is the same program as the installed `grok`."""

import sys


def main() -> int:
    """Run the command line; Ctrl-C is one line from the first import on."""
    try:
        from grok.cli import main as run
    except KeyboardInterrupt:
        print("grok: interrupted", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
