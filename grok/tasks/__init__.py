"""What is to be learned: inputs, targets and a seeded split, as tensors."""

from grok.tasks.operation import Split, Task, operation_task

__all__ = ["Split", "Task", "operation_task"]
