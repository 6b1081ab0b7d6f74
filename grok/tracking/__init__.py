"""The run store on disk, which keeps every measurement, and its mirror in wandb."""

from grok.tracking.errors import RunInUseError, StoreError
from grok.tracking.run import Run
from grok.tracking.store import Store

__all__ = ["Run", "RunInUseError", "Store", "StoreError"]
