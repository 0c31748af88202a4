"""The process that judges requests by IAM's policies."""

import json
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from tools.lab.aws.access import library
from tools.lab.aws.calls import UNKNOWN, RefusalError

ALLOWED, EXPLICIT = "Allowed", "ExplicitlyDenied"
VERDICTS = (ALLOWED, EXPLICIT, "ImplicitlyDenied")
KEPT = 20_000


class Evaluator:
    """Judges requests; keeps the process, and what it has answered before."""

    def __init__(self) -> None:
        """Start the process; install its library first where it is not there yet.

        Raises:
            AirAwareError: Node.js is missing, or the library cannot be had.
        """
        self.folder = library.installed()
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._process = subprocess.Popen(
            [library.program("node"), library.HERE / "evaluate.mjs", self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate()

    def judge(self, requests: Sequence[dict[str, Any]]) -> list[str]:
        """Return a verdict for each request: Allowed, ImplicitlyDenied or ExplicitlyDenied.

        Raises:
            RefusalError: The process has ended, or cannot judge one of them.
        """
        keys = [json.dumps(request, sort_keys=True) for request in requests]
        with self._lock:
            new = sorted({key for key in keys if key not in self._known})
            if len(self._known) > KEPT:
                self._known = {key: self._known[key] for key in keys if key in self._known}
            if new:
                self._known |= self._asked(new)
            return [self._known[key] for key in keys]

    def _asked(self, requests: Sequence[str]) -> dict[str, str]:
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None
        assert answers is not None
        try:
            to.write(f"[{','.join(requests)}]\n")
            to.flush()
            verdicts = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            ended = "What judges by IAM's policies has ended: destroy the lab and deploy it anew"
            raise RefusalError(UNKNOWN, ended) from error
        for each in verdicts:
            if each not in VERDICTS:
                raise RefusalError(UNKNOWN, f"IAM's policies cannot be judged by: {each}")
        return dict(zip(requests, verdicts, strict=True))
