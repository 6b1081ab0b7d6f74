"""Tasks to be learned, each with inputs, targets and a seeded split as tensors."""

from grok.tasks.operation import OperationTask, operation_task
from grok.tasks.task import Split, Task

__all__ = ["OperationTask", "Split", "Task", "operation_task"]
