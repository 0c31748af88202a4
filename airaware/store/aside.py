"""A call in a thread of its own, for those who cannot wait until it ends."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Aside(Generic[Answer]):
    """A call that runs once at a time: all who ask while it runs share its outcome.

    So however long it takes, it holds one thread.
    """

    def __init__(self, call: Callable[[], Answer]) -> None:
        """Start nothing yet."""
        self._call = call
        self._lock = threading.Lock()
        self._running: tuple[float, Future[Answer]] | None = None

    def start(self) -> tuple[float, Future[Answer]]:
        """Start the call unless it runs. Return its start (monotonic) and its outcome."""
        with self._lock:
            if self._running is None:
                outcome: Future[Answer] = Future()
                threading.Thread(target=self._run, args=(outcome,), daemon=True).start()
                self._running = time.monotonic(), outcome
            return self._running

    def result(self, seconds: float) -> Answer:
        """Return what the call that runs returns, or else a new one.

        Raises:
            TimeoutError: It was started `seconds` ago, and still runs.
            Exception: What it raises.
        """
        started, outcome = self.start()
        return outcome.result(max(0.0, started + seconds - time.monotonic()))

    def _run(self, outcome: Future[Answer]) -> None:
        try:
            answer = self._call()
        except BaseException as error:
            self._finish()
            outcome.set_exception(error)
        else:
            self._finish()
            outcome.set_result(answer)

    def _finish(self) -> None:
        """Let the next caller start a new call."""
        with self._lock:
            self._running = None
