"""Grokking experiments with the information interplay of representation and head measured as they train."""

__version__ = "0.1.0"
