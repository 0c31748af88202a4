"""The process that judges requests by IAM's policies."""

import json
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

from tools.lab.aws.access import library
from tools.lab.aws.calls import UNKNOWN, RefusalError

ALLOWED, EXPLICIT = "Allowed", "ExplicitlyDenied"
VERDICTS = (ALLOWED, EXPLICIT, "ImplicitlyDenied")
KEPT = 20_000


@dataclass(frozen=True)
class Question:
    """Whether a principal may do something; policies are JSON, and empty where there is none.

    Equal questions have the same answer. Python keeps a text's hash, so to ask again is cheap.
    """

    principal: str
    action: str
    resource: str
    facts: tuple[tuple[str, Any], ...]  # the context keys; a list's value is a tuple
    policies: tuple[tuple[str, str], ...]  # the principal's, by name
    boundary: str
    resource_policy: str

    def request(self) -> dict[str, Any]:
        """Return it as the library takes it."""
        asked: dict[str, Any] = {
            "request": {
                "principal": self.principal or {"type": "Anonymous"},
                "action": self.action,
                "resource": {"resource": self.resource, "accountId": ACCOUNT},
                "contextVariables": dict(self.facts),
            },
            "identityPolicies": [
                {"name": name, "policy": json.loads(text)} for name, text in self.policies
            ],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }
        if self.resource_policy:
            asked["resourcePolicy"] = json.loads(self.resource_policy)
        if self.boundary:
            boundary = {"name": "boundary", "policy": json.loads(self.boundary)}
            asked["permissionBoundaryPolicies"] = [boundary]
        return asked


class Evaluator:
    """Judges requests; keeps the process, and what it has answered before."""

    def __init__(self) -> None:
        """Start the process; install its library first where it is not there yet.

        Raises:
            AirAwareError: Node.js is missing, or the library cannot be had.
        """
        self.folder = library.installed()
        self._lock = threading.Lock()
        self._known: dict[Question, str] = {}
        self._process = subprocess.Popen(
            [*library.program("node"), library.HERE / "evaluate.mjs", self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate()

    def judge(self, questions: Sequence[Question]) -> list[str]:
        """Return a verdict for each question: Allowed, ImplicitlyDenied or ExplicitlyDenied.

        Raises:
            RefusalError: The process has ended, or cannot judge one of them.
        """
        with self._lock:
            new = list(dict.fromkeys(each for each in questions if each not in self._known))
            if len(self._known) > KEPT:
                self._known = {each: self._known[each] for each in questions if each not in new}
            if new:
                self._known |= self._asked(new)
            return [self._known[each] for each in questions]

    def _asked(self, questions: Sequence[Question]) -> dict[Question, str]:
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None
        assert answers is not None
        try:
            to.write(json.dumps([each.request() for each in questions]) + "\n")
            to.flush()
            verdicts = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            ended = "What judges by IAM's policies has ended: destroy the lab and deploy it anew"
            raise RefusalError(UNKNOWN, ended) from error
        for each in verdicts:
            if each not in VERDICTS:
                raise RefusalError(UNKNOWN, f"IAM's policies cannot be judged by: {each}")
        return dict(zip(questions, verdicts, strict=True))
