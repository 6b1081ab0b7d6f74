"""What is to be learned: inputs, targets and a seeded split, as tensors."""

from grok.tasks.modular import Split, Task, modular_task

__all__ = ["Split", "Task", "modular_task"]
