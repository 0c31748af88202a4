"""The pages of a job's Spark, and the job's progress read from them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tools.fleet import ssh
from tools.machine.steps import console

PORT = 4040  # of the driver, in hieradata/common.yaml
POLL_SECONDS = 2
ANSWER_SECONDS = 5


@contextmanager
def shown(config: Path, host: str) -> Iterator[None]:
    """Forward a local port to the pages, print its address, and print the job's progress."""
    ended = threading.Event()
    with ssh.forwarded(config, host, "127.0.0.1", PORT) as port:
        address = f"http://127.0.0.1:{port}"
        console.print(f"Spark's pages, while the job runs: [bold]{address}/[/]")
        watcher = threading.Thread(target=_watch, args=(address, ended), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


def _watch(address: str, ended: threading.Event) -> None:
    before = ""
    while not ended.wait(POLL_SECONDS):
        now = progress(address)
        if now and now != before:
            console.print(now, style="dim", markup=False)
        before = now


def progress(address: str) -> str:
    """Return how many tasks of each active stage are done, as text; empty if no stage is active."""
    base = f"{address}/api/v1/applications"
    try:
        (application, *_) = requests.get(base, timeout=ANSWER_SECONDS).json()
        stages = requests.get(
            f"{base}/{application['id']}/stages?status=active", timeout=ANSWER_SECONDS
        ).json()
    except (requests.RequestException, ValueError):
        return ""  # Spark is not there yet, or no more.
    return ", ".join(
        f"stage {stage['stageId']}: {stage['numCompleteTasks']} of {stage['numTasks']} tasks"
        for stage in sorted(stages, key=lambda stage: stage["stageId"])
    )
