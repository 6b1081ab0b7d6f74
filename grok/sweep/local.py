"""Training of a sweep on this machine, in worker processes that get packs through pipes; a dead one is replaced."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import wait

from grok.experiments.driving import Setup, Stop
from grok.processors import let_waiting_threads_sleep
from grok.sweep.expand import Key
from grok.sweep.packs import Outcome, Pack, Watch, cut_short
from grok.tracking import Store

RETRIES = 2  # number of times that a pack is tried again after its worker died
TICK = 0.2  # seconds


class _Worker:
    """A process that runs `grok.sweep.worker`, and the pipe to it."""

    def __init__(self, setup: Setup, threads: int) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        let_waiting_threads_sleep(environment)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grok.sweep.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C reaches only this process, which tells the workers
            )
        self.pack: Pack | None = None
        self._send((setup, threads))

    def give(self, pack: Pack | None) -> None:
        """Let the worker train a pack; None lets it save and stop."""
        self.pack = pack or self.pack
        self._send(pack)

    def outcome(self) -> Outcome | None:
        """Return the outcome that the worker has sent, or None if it has ended."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.wait()
            return None

    def close(self) -> None:
        """Close the pipe, which lets the worker save and stop, and wait for its end."""
        self.pipe.close()
        self.process.wait()

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError):  # a dead worker is noticed when its outcome is read
            self.pipe.send(message)


def train_locally(packs: Sequence[Pack], setup: Setup, *, workers: int, threads: int, stop: Stop, watch: Watch) -> bool:
    """Train the packs in `workers` processes of `threads` threads, and return whether all of them ended.

    A worker that dies is replaced, and its pack is tried again at most twice. If this process dies, the workers save
    and stop.
    """
    pool = _Pool(packs, workers, lambda: _Worker(setup, threads), setup.store, watch)
    try:
        while pool.busy:
            if stop() and not pool.dismissed:
                pool.dismiss()
            pool.feed()
            watch.tick(pool.under_way)
            pool.collect()
    except KeyboardInterrupt:  # after a second Ctrl-C, runs resume from their last save
        pool.kill()
        raise
    finally:
        pool.close()
    return not pool.dismissed


class _Pool:
    """The workers, and the packs that wait for a worker."""

    def __init__(
        self, packs: Sequence[Pack], size: int, start: Callable[[], _Worker], store: Store, watch: Watch
    ) -> None:
        self.dismissed = False
        self._waiting = deque(packs)
        self._size, self._start, self._store, self._watch = size, start, store, watch
        self._workers: list[_Worker] = []
        self._deaths: Counter[tuple[Key, ...]] = Counter()

    @property
    def busy(self) -> bool:
        """Whether packs are waiting or being trained."""
        return bool(self._waiting) or self.under_way > 0

    @property
    def under_way(self) -> int:
        """Number of runs in the packs that workers train."""
        return sum(len(worker.pack.wanted) for worker in self._workers if worker.pack)

    def feed(self) -> None:
        """Give packs to idle workers, and start more workers if packs wait and the pool is not full."""
        idle = [worker for worker in self._workers if worker.pack is None]
        while self._waiting and (idle or len(self._workers) < self._size):
            if not idle:
                idle.append(self._start())
                self._workers.append(idle[0])
            idle.pop().give(self._waiting.popleft())

    def collect(self) -> None:
        """Wait a moment for outcomes, and remove workers that have ended or failed."""
        ready = wait([worker.pipe for worker in self._workers], timeout=TICK)
        for worker in [worker for worker in self._workers if worker.pipe in ready]:
            pack, outcome = worker.pack, worker.outcome()
            worker.pack = None
            if outcome is None or not outcome.ended or outcome.error:
                self._workers.remove(worker)
                worker.close()
            if pack and outcome and outcome.ended:
                self._watch.ended(pack, outcome)
            elif pack and not self.dismissed:
                self._try_again(pack, worker.process.returncode)

    def _try_again(self, pack: Pack, returncode: int) -> None:
        self._deaths[pack.keys] += 1
        if self._deaths[pack.keys] <= RETRIES:
            self._waiting.appendleft(pack)
        else:
            self._watch.ended(pack, cut_short(pack, self._store, _death(returncode)))

    def dismiss(self) -> None:
        """Let the workers save and stop, and begin no further pack."""
        self.dismissed = True
        self._waiting.clear()
        for worker in self._workers:
            worker.give(None)

    def kill(self) -> None:
        """Kill the workers at once."""
        for worker in self._workers:
            worker.process.kill()

    def close(self) -> None:
        """Wait for the workers to end."""
        for worker in self._workers:
            worker.close()


def _death(returncode: int) -> str:
    how = f"by {signal.Signals(-returncode).name}" if returncode < 0 else f"with exit status {returncode}"
    return f"its worker died {RETRIES + 1} times, at last {how}: give it more memory by fewer --workers or --stack"
