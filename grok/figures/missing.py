"""What is said of a figure for which the records have nothing to show."""

import sys
from collections.abc import Mapping


def not_drawn(figure: str, name: str, missing: Mapping[str, str]) -> None:
    """Say in a line on stderr that a figure is not drawn of what is so named; `missing` is column -> its probe."""
    columns = " or ".join(f"{column} (probes.{probe})" for column, probe in missing.items())
    print(f"grok: figure {figure} not drawn for {name}: its records have no {columns}", file=sys.stderr)
