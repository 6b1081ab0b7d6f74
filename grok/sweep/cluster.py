"""A sweep on a dask.distributed cluster: a task a pack, into a store that all workers share."""

import threading
import time
from collections.abc import Collection, Sequence
from typing import Any

import torch

from grok.arguments import UsageError
from grok.experiments.driving import Setup, Stop
from grok.sweep.packs import POLL, Outcome, Pack, Watch, existing_runs, in_words, state, train_pack
from grok.tracking import StoreError

RETRIES = 2
TICK = 0.5  # seconds
LONGEST_SAVE = 60.0  # seconds
_ALONE = threading.Lock()  # a worker's threads train one pack at a time, with all of them


def connect(address: str) -> Any:
    """A client of the scheduler at this address.

    Raises:
        UsageError: dask.distributed is not installed, or nobody answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            "--scheduler: expected dask.distributed, which is not installed: pip install 'dask[distributed]>=2024.8'"
        ) from error
    try:
        return Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--scheduler: expected local or the address of a dask scheduler, such as tcp://127.0.0.1:8786, got "
            f"{address}, where none answers: `dask scheduler` starts one"
        ) from error


def device_of(client: Any) -> str:
    """The device that the workers have, asked of one of them, once there is one."""
    return client.submit(_device_here, pure=False).result()


def train_on_cluster(packs: Sequence[Pack], setup: Setup, *, client: Any, stop: Stop, watch: Watch) -> bool:
    """Train the packs on the client's cluster; return whether all came to their end.

    A worker that is killed loses its pack to another. Where the client goes away the tasks save and end.
    """
    futures = {client.submit(_train, pack, setup, pure=False, retries=RETRIES): pack for pack in packs}
    while futures:
        if stop():
            client.cancel(list(futures))
            _await_saves(futures.values(), setup)
            return False
        for future in [future for future in futures if future.done()]:
            pack = futures.pop(future)
            watch.ended(pack, _outcome(future, pack))
        watch.tick(0)
        time.sleep(TICK)
    return True


def _outcome(future: Any, pack: Pack) -> Outcome:
    if future.status == "finished":
        return future.result()
    error = future.exception() if future.status == "error" else StoreError("the scheduler has lost it")
    return Outcome(ended=True, failed=len(pack.keys), error=in_words(error))


def _await_saves(packs: Collection[Pack], setup: Setup) -> None:
    """Wait until no worker holds any of the runs any more; each saves after the step under way."""
    keys = {key for pack in packs for key in pack.keys}
    experiment = next(iter(packs)).experiment
    until = time.monotonic() + LONGEST_SAVE
    while time.monotonic() < until:
        if all(state(run) != "running" for key, run in existing_runs(setup.store, experiment).items() if key in keys):
            return
        time.sleep(POLL)


def _train(pack: Pack, setup: Setup) -> Outcome:
    """The task: train one pack in a worker, until it ends or nobody wants it any more."""
    from distributed import get_worker

    if not setup.store.root.is_dir():
        raise StoreError(f"{setup.store.root} is not there on a worker: expected a folder that all workers share")
    worker = get_worker()
    key = worker.get_current_task()

    def stop() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    with _ALONE:
        torch.set_num_threads(worker.state.nthreads)
        return train_pack(pack, setup, stop)


def _device_here() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
