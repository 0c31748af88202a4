"""The environment `local`: all on this machine, with two PostgreSQL clusters for the two zones.

Everything lies in one state folder, beside what is kept there of fleets; nothing else is changed.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from airaware import settings
from airaware.errors import AirAwareError
from airaware.raw import rawstore
from airaware.settings import Zone
from airaware.store import schema, verify
from tools.environments import overview
from tools.environments.environment import Site
from tools.machine import interrupts, java, mainjob
from tools.machine.checkout import CHECKOUT
from tools.machine.postgres import OWNER, READER, Cluster, make_passfile
from tools.machine.steps import Step, carry_out, console
from tools.machine.webserver import WebServer

ZONES = ("a", "b")
# Folders in the state folder that are no part of this environment.
FLEETS, DRILLS = "fleets", "drills"
# Folders of this environment, and what else is of it.
FOLDERS = ("raw", "bulk", "spark", "logs", "run", "zones")
PASSWORDS = "passwords"
OTHERS = (PASSWORDS, "passwords.new", "partial", "loadtests")
MASTER = "local[*]"
LOAD_PORT = 8089  # of Locust's page
SPARK_LOGGING = CHECKOUT / "tools" / "environments" / "log4j2.properties"
INTERRUPTED_SECONDS = 30
DRIVER_MEMORY = "1g"
# Python does the work, Spark's JVM little: compiling it thoroughly took half of its time.
DRIVER_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def state_folder() -> Path:
    """Return AIRAWARE_STATE, or a folder of this checkout's own.

    Root's databases belong to an unprivileged account, which may not be able to reach the checkout:
    root's state is kept under /var/lib.
    """
    if named := os.environ.get("AIRAWARE_STATE"):
        return Path(named).absolute()
    if os.geteuid() != 0:
        return CHECKOUT / ".airaware"
    return Path("/var/lib") / f"airaware-{hashlib.sha256(bytes(CHECKOUT)).hexdigest()[:12]}"


class Local:
    """This machine as an environment."""

    name = "local"

    def __init__(self, folder: Path) -> None:
        """Describe what `folder` may hold; nothing is made yet."""
        self.folder = folder
        self.passfile = folder / PASSWORDS
        self.clusters = {zone: Cluster(folder / "zones" / zone, self.passfile) for zone in ZONES}
        self.web = WebServer(folder / "run", folder / "logs" / "web.log")

    @property
    def raw(self) -> str:
        """The raw store: AIRAWARE_RAW, or a folder of the state folder."""
        named = os.environ.get("AIRAWARE_RAW") or str(self.folder / "raw")
        return named if "://" in named else str(Path(named).absolute())

    def raw_store(self) -> rawstore.Store:
        """Return the raw store, opened."""
        return rawstore.open(self.raw)

    @property
    def spark_log(self) -> Path:
        """Spark's own log file, for its operator."""
        return self.folder / "logs" / "spark.log"

    def zones(self, role: str) -> tuple[Zone, ...]:
        """Return the zones' databases, as the role reaches them."""
        return tuple(Zone(name, cluster.dsn(role)) for name, cluster in self.clusters.items())

    def environ(self, role: str) -> dict[str, str]:
        """Return the environment variables of a process that works here as the role."""
        return os.environ | {
            "AIRAWARE_ZONES": settings.written(self.zones(role)),
            "AIRAWARE_ZONE": ZONES[0],
            "AIRAWARE_RAW": self.raw,
            "AIRAWARE_BULK": str(self.folder / "bulk"),
        }

    def deploy(self) -> Iterator[Step]:
        """Yield what brings up the databases and the site, with this checkout's schema and code."""
        port = settings.read().port
        self.web.check_port(port)
        if not self.is_made():
            yield Step(f"make the state folder {self.folder}", self.make_folder)
        yield from self.start_databases()
        for zone in self.clusters:
            yield Step(f"bring zone {zone}'s schema up to date", partial(self.migrate, zone))
        if address := self.web.address():
            yield Step(f"stop the web server of before at {address}", self.web.stop)
        yield Step(
            f"start the web server on port {port}",
            lambda: self.web.start(port, self.environ(READER)),
        )

    def check_folder(self) -> None:
        """Raise AirAwareError if the state folder is another account's, or not ours alone.

        It is made over, and deleted in the end: AIRAWARE_STATE may not name a home folder.
        """
        try:
            names = {path.name for path in self.folder.iterdir()}
            owner = self.passfile.stat().st_uid if PASSWORDS in names else os.geteuid()
        except FileNotFoundError:
            return
        except PermissionError:
            owner = self.folder.stat().st_uid
        except NotADirectoryError:
            raise AirAwareError(
                f"{self.folder} is no folder: AIRAWARE_STATE must name another"
            ) from None
        if owner != os.geteuid():
            raise AirAwareError(
                f"{self.folder} is the state of {_account(owner)}, but you are"
                f" {_account(os.geteuid())}: run this as {_account(owner)}, or let"
                " AIRAWARE_STATE name a folder of your own"
            )
        foreign = names - {*FOLDERS, *OTHERS, FLEETS, DRILLS, "lost+found"}
        if PASSWORDS not in names and foreign:
            raise AirAwareError(
                f"{self.folder} holds other things ({', '.join(sorted(foreign)[:3])}):"
                " let AIRAWARE_STATE name a folder that is empty or not there yet"
            )

    def is_up(self) -> bool:
        """Return whether any database or the site runs."""
        return bool(self.web.address() or any(c.pid() for c in self.clusters.values()))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the state folder for one deploy, stop or destroy; wait for another under way."""
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            held = os.open(self.folder, os.O_RDONLY)
            try:
                self._lock(held)
                # Whoever was waited for may have deleted the folder.
                if self.folder.exists() and os.path.samestat(os.fstat(held), self.folder.stat()):
                    yield
                    return
            finally:
                with suppress(OSError):
                    self.folder.rmdir()  # only if nothing is in it
                os.close(held)

    def _lock(self, held: int) -> None:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(f"another fab works on {self.folder}: waiting for its end", markup=False)
            fcntl.flock(held, fcntl.LOCK_EX)

    def is_made(self) -> bool:
        """Return whether all of `make_folder` is there; fleets may have made the folder alone."""
        folders = [self.folder / name for name in FOLDERS]
        return self.passfile.exists() and all(folder.is_dir() for folder in folders)

    def make_folder(self) -> None:
        """Make what is missing in the state folder.

        If root owns it, the databases' account may pass through it. Existing databases keep the
        passwords that they were made with, so new ones are made only if there is no database.
        """
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        mode = 0o711 if os.geteuid() == 0 else 0o700
        self.folder.chmod(mode)
        (self.folder / "zones").chmod(mode)
        if not any(cluster.exists() for cluster in self.clusters.values()):
            make_passfile(self.passfile)

    def start_databases(self) -> Iterator[Step]:
        """Yield what makes and starts the zones' databases where they are not there yet."""
        for zone, cluster in self.clusters.items():
            if not cluster.exists():
                yield Step(f"make zone {zone}'s database", cluster.create)
            verb = "start" if cluster.pid() is None else "check"
            yield Step(f"{verb} zone {zone}'s database", cluster.start)

    def migrate(self, zone: str) -> None:
        """Bring the schema of the zone's database, which runs, up to date."""
        schema.migrate(Zone(zone, self.clusters[zone].dsn(OWNER)))

    def bring_up(
        self,
        agree: object,  # noqa: ARG002 (a fleet's takes it)
        from_image: object,  # noqa: ARG002 (a fleet's takes it)
        dry_run: bool,
    ) -> None:
        """Deploy. If nothing ran before, Ctrl-C stops it again.

        Nothing here costs money or starts from an image, so `agree` and `from_image` do nothing.
        """
        if not (dry_run or self.is_up()):
            interrupts.started.callback(self.carry_out_alone, self.stop(), dry_run=False)
        self.carry_out_alone(self.deploy(), dry_run)

    def take_down(self, dry_run: bool) -> None:
        """Destroy, step by step."""
        self.carry_out_alone(self.destroy(), dry_run)

    def carry_out_alone(self, steps: Iterable[Step], dry_run: bool) -> None:
        """Carry out the steps while nobody else changes this environment."""
        with nullcontext() if dry_run else self.alone():
            carry_out(steps, dry_run)

    def show_status(self) -> None:
        """Print the databases, raw files, loads per zone, and the site's address."""
        console.print(f"environment {self.name} in {self.folder}")
        if not any(cluster.exists() for cluster in self.clusters.values()):
            console.print("It was never deployed, or is destroyed. Start it: make demo")
        for zone, cluster in self.clusters.items():
            state = "is stopped" if cluster.exists() else "is not there"
            state = f"runs on port {cluster.port}" if cluster.pid() else state
            console.print(f"zone {zone}: the database {state}")
        with self.reading() as zones:
            overview.show_data(self.raw_store(), zones)
        if address := self.web.address():
            console.print(f"\nThe site: [bold]{address}/[/]")
            console.print("Stop it: make stop. Delete all of it: .venv/bin/fab destroy")
        else:
            console.print("\nThe site is stopped. Start it: .venv/bin/fab deploy")

    def site(self) -> Site:
        """Return the site, which its web server on this machine serves."""
        if address := self.web.address():
            return Site(address, server=self.web.pid() or 0)
        raise AirAwareError("The site does not run: fab deploy")

    def urls(self) -> dict[str, str]:
        """Return the site's address, if it runs, and that of Locust's page."""
        load = {"load": f"http://127.0.0.1:{LOAD_PORT}"}
        return {"site": address, **load} if (address := self.web.address()) else load

    def stop(self) -> Iterator[Step]:
        """Yield what stops the site and the databases; all data stay."""
        if address := self.web.address():
            yield Step(f"stop the web server at {address}", self.web.stop)
        for zone, cluster in self.clusters.items():
            if cluster.pid() is not None:
                yield Step(f"stop zone {zone}'s database", cluster.stop)

    def destroy(self) -> Iterator[Step]:
        """Yield what stops everything and deletes databases, raw files and logs.

        That is all of the state folder that is not a fleet's.
        """
        yield from self.stop()
        if self.folder.exists():
            yield Step(f"delete {self.folder}, but keep the folders of fleets", self._delete)

    def _delete(self) -> None:
        for path in (self.folder / name for name in (*FOLDERS, *OTHERS)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        with suppress(OSError):  # what others have in it stays, and so does a disk's own folder
            self.folder.rmdir()

    @contextmanager
    def reading(self) -> Iterator[tuple[Zone, ...]]:
        """Yield the zones' databases, to read only: those that run."""
        yield tuple(
            Zone(zone, cluster.dsn(READER))
            for zone, cluster in self.clusters.items()
            if cluster.pid()
        )

    def submit_command(
        self, years: str, parameters: list[int], master: str = "", again: bool = False
    ) -> list[str]:
        """Return the spark-submit command of the main job; `years` as in "2013,2015-2017".

        `master` is a Spark cluster; without one it is this machine.
        """
        log = f"-Dlog4j2.configurationFile={SPARK_LOGGING.as_uri()}"
        return [
            # Spark divides the folder's path by commas: it is given from the state folder.
            *("env", f"--chdir={self.folder}", str(Path(sys.executable).parent / "spark-submit")),
            *("--master", master or MASTER, "--conf", "spark.local.dir=spark"),
            *("--driver-memory", DRIVER_MEMORY, "--name", f"airaware {years}"),
            *("--conf", "spark.ui.enabled=false", "--conf", "spark.ui.showConsoleProgress=false"),
            *("--driver-java-options", f"{DRIVER_JAVA} {log}"),
            str(CHECKOUT / "airaware" / "job" / "submit.py"),
            *mainjob.arguments(years, parameters, again),
        ]

    def submit_environ(self, master: str = "") -> dict[str, str]:
        """Return the environment variables of `submit_command`."""
        environ = self.environ(OWNER) | {
            "JAVA_HOME": str(java.find().home),
            # Spark's own search for itself fails if the path has a blank.
            "SPARK_HOME": str(_spark_home()),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "AIRAWARE_SPARK_LOG": str(self.spark_log),
            # uv compiles no packages: each of the job's processes would do so, for seconds.
            "PYTHONDONTWRITEBYTECODE": "",
        }
        if (master or MASTER).startswith("local"):
            environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        return environ

    def verify_commands(self, years: str, repair: bool) -> list[list[str]]:
        """Return the commands that verify the loads of each zone whose database runs."""
        zones = settings.written(self.zones(OWNER))
        return [
            [
                *("env", f"AIRAWARE_ZONES={zones}", f"AIRAWARE_ZONE={zone}", sys.executable),
                *verify.arguments(years, repair),
            ]
            for zone, cluster in self.clusters.items()
            if cluster.pid()
        ]

    def submit(
        self, years: str, parameters: list[int], master: str = "", again: bool = False
    ) -> None:
        """Run the main job over files of the raw store; its output goes to ours.

        Raises:
            AirAwareError: It failed; its output says why.
        """
        command = self.submit_command(years, parameters, master, again)
        environ = self.submit_environ(master)
        if passed_over := java.find().passed_over:
            console.print(f"{passed_over}: Spark runs on {environ['JAVA_HOME']}", markup=False)
        console.print(f"starting Spark on {master or MASTER}", markup=False)
        begun = _size(self.spark_log)
        if _run(command, environ) != 0:
            detail = (
                f", and {self.spark_log} has the detail" if _size(self.spark_log) > begun else ""
            )
            raise AirAwareError(f"The job failed: the lines above say why{detail}")


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"account {uid}"


def _run(command: list[str], environ: dict[str, str]) -> int:
    """Run the job to its end; return its exit status.

    Ctrl-C reaches the job, too, which then ends in order.
    """
    with subprocess.Popen(command, env=environ) as job:
        try:
            return job.wait()
        except KeyboardInterrupt:
            with suppress(subprocess.TimeoutExpired):
                job.wait(INTERRUPTED_SECONDS)
            job.kill()
            raise


def _spark_home() -> Path:
    spec = find_spec("pyspark")
    assert spec, "pyspark is installed with us"
    assert spec.origin, "pyspark is a package of files"
    return Path(spec.origin).parent


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
