"""Training of a sweep on a dask.distributed cluster, with one pack per worker and a store that all workers share."""

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import torch

from grok.arguments import UsageError
from grok.experiments.driving import Setup, Stop
from grok.sweep.expand import Key
from grok.sweep.packs import POLL, Outcome, Pack, Watch, cut_short, existing_runs, in_words, state, train_pack
from grok.tracking import Store, StoreError

RETRIES = 2  # number of times that a pack is tried again after its worker was lost
TICK = 0.5  # seconds
PATIENCE = 2.0  # seconds without a worker before a message says so
LONGEST_SAVE = 60.0  # seconds
LONGEST_ANSWER = 10.0  # seconds
_ALONE = threading.Lock()  # a worker trains one pack at a time with all its threads, even if two sweeps share it


def connect(address: str) -> Any:
    """Return a client of the scheduler at this address.

    Raises:
        UsageError: if dask.distributed is not installed, or if no scheduler answers.
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


def device_of(client: Any, store: Store) -> str:
    """Wait for a worker, and return the kind of device that all workers have.

    The folder of the store is made here, because every worker must be able to see it.

    Raises:
        StoreError: if a worker does not see the folder of the store.
    """
    try:
        store.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {store.root} ({error.strerror}): choose another --runs") from error
    _await_worker(client)
    devices = client.run(_device_here, store)
    return "cuda" if set(devices.values()) == {"cuda"} else "cpu"


def _await_worker(client: Any) -> None:
    patient_until = time.monotonic() + PATIENCE
    said = False
    while not _workers(client):
        if not said and time.monotonic() > patient_until:
            said = True
            address = client.scheduler.address
            print(f"grok: waiting for a worker: `dask worker {address}` starts one", file=sys.stderr, flush=True)
        time.sleep(TICK)


def _workers(client: Any) -> Collection[str]:
    """Return the addresses of the current workers."""
    try:
        return list(client.nthreads())
    except OSError as error:
        address = client.scheduler.address
        raise StoreError(
            f"the scheduler at {address} is gone: its workers save and stop; start it again, and run the same command "
            "to continue"
        ) from error


def train_on_cluster(packs: Sequence[Pack], setup: Setup, *, client: Any, stop: Stop, watch: Watch) -> bool:
    """Train the packs on the client's cluster, one per worker at a time, and return whether all of them ended.

    Workers may come and go. The pack of a lost worker is tried again on another worker, at most twice. A worker that
    joins late and cannot train, because it lacks the store or a GPU, gets no further pack while other workers exist. If
    the client disappears, the tasks save and stop.
    """
    waiting = deque(packs)
    begun: dict[str, tuple[Any, Pack]] = {}  # by address of the worker
    losses: Counter[tuple[Key, ...]] = Counter()
    unfit: set[str] = set()
    while waiting or begun:
        if stop():
            client.cancel([future for future, _ in begun.values()])
            _await_saves([pack for _, pack in begun.values()], setup)
            return False
        workers = _workers(client)
        for address, (future, pack) in list(begun.items()):
            if outcome := _outcome(future):
                watch.ended(pack, outcome)
            elif future.done() or address not in workers:
                error = _why_lost(future)
                if future.status == "error":
                    unfit.add(address)
                client.cancel([future])
                losses[pack.keys] += 1
                if losses[pack.keys] <= RETRIES:
                    waiting.appendleft(pack)
                else:
                    watch.ended(pack, cut_short(pack, setup.store, error))
            else:
                continue
            del begun[address]
        fit = [address for address in workers if address not in unfit] or workers
        for address in [address for address in fit if address not in begun][: len(waiting)]:
            pack = waiting.popleft()
            begun[address] = client.submit(_train, pack, setup, pure=False, workers=[address]), pack
        watch.tick(sum(len(pack.wanted) for _, pack in begun.values()))
        time.sleep(TICK)
    return True


def _outcome(future: Any) -> Outcome | None:
    """Return the outcome of a task, or None if it has not ended or if its outcome was lost with its worker."""
    if future.status != "finished":
        return None
    with suppress(TimeoutError):
        outcome: Outcome = future.result(timeout=LONGEST_ANSWER)
        return outcome
    return None


def _why_lost(future: Any) -> str:
    how = in_words(future.exception()) if future.status == "error" else "the scheduler has lost its worker"
    return f"tried {RETRIES + 1} times, at last: {how}"


def _await_saves(packs: Collection[Pack], setup: Setup) -> None:
    """Wait until no worker holds any of the runs; each worker saves after its current step."""
    keys = {key for pack in packs for key in pack.keys}
    until = time.monotonic() + LONGEST_SAVE
    while packs and time.monotonic() < until:
        experiment = next(iter(packs)).experiment
        if all(state(run) != "running" for key, run in existing_runs(setup.store, experiment).items() if key in keys):
            return
        time.sleep(POLL)
    if packs:
        print(f"grok: workers still train after {LONGEST_SAVE:.0f} s: their last saves are kept", file=sys.stderr)


def _train(pack: Pack, setup: Setup) -> Outcome:
    """Train one pack in a worker until it ends or its task is cancelled."""
    from distributed import get_worker

    _require_shared(setup.store)
    if setup.device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: expected a GPU, got a worker without one: stop it, or use --device cpu")
    worker = get_worker()
    key = worker.get_current_task()

    def stop() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    with _ALONE:
        torch.set_num_threads(worker.state.nthreads)
        return train_pack(pack, setup, stop)


def _device_here(store: Store) -> str:
    _require_shared(store)
    return "cuda" if torch.cuda.is_available() else "cpu"


def _require_shared(store: Store) -> None:
    if not store.root.is_dir():
        raise StoreError(f"--runs: expected a folder that all workers share, got {store.root}, which a worker lacks")
