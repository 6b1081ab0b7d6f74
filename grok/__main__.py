"""`python -m grok` is the same program as the installed `grok`."""

from grok.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
