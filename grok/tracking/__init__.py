"""Where numbers are kept: the run store on disk, which is the record, and its mirror in wandb."""

from grok.tracking.store import Run, RunInUseError, Store, StoreError

__all__ = ["Run", "RunInUseError", "Store", "StoreError"]
