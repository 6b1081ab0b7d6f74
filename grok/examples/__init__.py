"""Small programs that use the package as anybody would; run them with `python -m grok.examples.NAME`."""
