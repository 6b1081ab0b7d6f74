"""`python -m grok.gpu` measures this machine's GPU."""

from grok.gpu.command import main

if __name__ == "__main__":
    raise SystemExit(main())
