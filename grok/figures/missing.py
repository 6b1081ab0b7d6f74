"""What is said of a figure for which the records have nothing to show."""

from collections.abc import Mapping

from grok.tracking.notes import note


def not_drawn(figure: str, name: str, missing: Mapping[str, str]) -> None:
    """Say in a line on stderr that a figure is not drawn of what is so named; `missing` is column -> its probe."""
    columns = " or ".join(f"{column} (probes.{probe})" for column, probe in missing.items())
    note(f"figure {figure} not drawn for {name}: its records have no {columns}")
