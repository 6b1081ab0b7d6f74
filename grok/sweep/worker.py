"""A worker process, which trains one pack after another until the process that started it sends no more."""

import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue

import torch

from grok.sweep.packs import Pack, train_pack


def serve(pipe: Connection) -> None:
    """Receive the setup and the number of threads, and then packs, and send back the outcome of each pack.

    The worker saves its runs and stops if it receives None in place of a pack, if the pipe closes because the other
    process is gone, or on a termination signal. It also stops after an error, since memory or a GPU may be in a bad
    state.
    """
    stop = threading.Event()
    packs: SimpleQueue[Pack | None] = SimpleQueue()

    def end(*_: object) -> None:
        stop.set()
        packs.put(None)

    def listen() -> None:
        try:
            with suppress(EOFError, OSError):
                while (pack := pipe.recv()) is not None:
                    packs.put(pack)
        finally:  # also if a pack cannot be read here, as with settings of an experiment that this process lacks
            end()

    signal.signal(signal.SIGTERM, end)
    setup, threads = pipe.recv()
    threading.Thread(target=listen, daemon=True).start()
    while (pack := packs.get()) is not None:
        torch.set_num_threads(threads)  # a resumed run may have set another number
        outcome = train_pack(pack, setup, stop.is_set)
        pipe.send(outcome)
        if outcome.error or not outcome.ended:
            return


if __name__ == "__main__":
    with suppress(BrokenPipeError, EOFError):  # the other process is gone, and everything is saved
        serve(Connection(int(sys.argv[1])))
