"""A newer file at the source: loaded once, with its dates, and the one before can come back."""

import os
import re
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from airaware.raw import epa
from tools.machine.postgres import HOST, free_port

PROGRAM = Path(__file__).parents[2] / "tools" / "fab.sh"
OZONE, YEAR = "44201", "2011"
NAME = epa.file_name(int(OZONE), int(YEAR))
PLACE = {"address": "41.95, -87.65"}
SITES = {"0001": "41.951", "0002": "41.751"}
Fab = Callable[..., str]


def write(folder: Path, modified: int, change: str, **values: float) -> None:
    """Write three days of two sites as EPA's file; `values` of other hours by "site_day_hour"."""
    lines = [",".join(f'"{name}"' for name in epa.COLUMNS_24)]
    for site, latitude in SITES.items():
        for day in (1, 2, 3):
            for hour in range(24):
                value = values.get(f"s{site}_{day}_{hour}", 0.03)
                when = f'"{YEAR}-06-{day:02}","{hour:02}:00"'
                lines.append(
                    f'"17","031","{site}","{OZONE}",1,{latitude},-87.651,"WGS84","Ozone",{when},'
                    f'"","",{value},"Parts per million",0.005,"","","FEM","087","","Illinois",'
                    f'"Cook","{change}"'
                )
    with zipfile.ZipFile(folder / NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME.replace(".zip", ".csv"), "\n".join([*lines, ""]))
    os.utime(folder / NAME, (modified, modified))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The folder of a source that is asked by HTTP, with the first version of the file."""
    folder = tmp_path / "source"
    folder.mkdir()
    write(folder, 1_338_854_400, "2012-05-30")  # 2012-06-05
    return folder


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def fab(source: Path, port: int) -> Iterator[Fab]:
    """Runs fab, in an environment that is deployed, until it is destroyed; what it said."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(source))
    with tempfile.TemporaryDirectory(prefix="airaware-") as state, ThreadingHTTPServer(
        (HOST, 0), handler
    ) as server:  # fmt: skip
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environ = os.environ | {
            "AIRAWARE_STATE": state,
            "AIRAWARE_PORT": str(port),
            "AIRAWARE_EPA_URL": f"http://{HOST}:{server.server_port}",
            "COLUMNS": "160",
        }

        def run(*words: str) -> str:
            done = subprocess.run(
                [str(PROGRAM), *words], env=environ, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        Path(state).chmod(0o711)
        run("deploy")
        yield run
        run("destroy", "--yes")
        server.shutdown()


@pytest.mark.slow
def test_a_newer_file_is_loaded_once_and_the_old_one_can_come_back(
    fab: Fab, source: Path, port: int
) -> None:
    def get(path: str, **query: str) -> requests.Response:
        return requests.get(f"http://{HOST}:{port}{path}", params=PLACE | query, timeout=30)

    def cited() -> dict[str, str]:
        (pollutant,) = get("/api/v1/air", year=YEAR).json()["pollutants"]
        (file,) = pollutant["sources"]
        return dict(file)

    fab("refresh", "--years", YEAR)
    first = cited()
    assert (first["date"], first["newest_change"]) == ("2012-06-05", "2012-05-30")

    newer = {"s0001_2_14": 0.09, "s0002_3_8": 0.05}
    write(source, 1_354_752_000, "2012-11-30", **newer)  # 2012-12-06
    assert f"{NAME}: fetched" in fab("refresh")
    second = cited()
    assert (second["date"], second["newest_change"]) == ("2012-12-06", "2012-11-30")
    assert second["checksum"] != first["checksum"]
    assert second["cite"] in get("/air", year=YEAR).text
    days = get("/api/v1/days.csv", **{"from": f"{YEAR}-06-01", "to": f"{YEAR}-06-03"}).text
    assert f"# cite: {second['cite']}\n" in days

    loaded_at = get("/api/v1/air", year=YEAR).json()["pollutants"][0]["loaded_at"]
    again = fab("refresh")
    assert f"{NAME}: kept" in again
    assert "every load is made of the newest files" in again
    assert get("/api/v1/air", year=YEAR).json()["pollutants"][0]["loaded_at"] == loaded_at

    said = fab("vintages", YEAR)
    listed = re.findall(r"^ *(\d\d-\d{3}-\d{4}) +(\S+) +(\d+) +(\d+) +(\d+) *$", said, re.M)
    assert listed == [
        ("17-031-0001", f"{YEAR}-06-02", "0", "0", "1"),
        ("17-031-0002", f"{YEAR}-06-03", "0", "0", "1"),
    ]
    older, current = re.findall(r" of (\S+), SHA-256 ([0-9a-f]{64})", said)
    assert (older[0], current[0]) == ("2012-06-05", "2012-12-06")
    fab("vintages", YEAR, "--restore", older[1])
    fab("submit-year", YEAR, "--parameter", OZONE)
    assert cited() == first
