"""Small programs that show how to use the package; run them with `python -m grok.examples.NAME`."""
