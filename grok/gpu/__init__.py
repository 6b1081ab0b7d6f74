"""What a GPU can do, measured in ten minutes: `python -m grok.gpu`, or `make gpu`.

Each part of the measurement runs in a process of its own, with a budget of its own. What it measures is written down at
once, so that a crash, a hang or an interrupt loses at most one row, and the same command goes on with what is missing.
The command needs neither a network nor the packages of the command line (tyro, wandb). With `--device cpu` the same
code rehearses all parts at small sizes.
"""
