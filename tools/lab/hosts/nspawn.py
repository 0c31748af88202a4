"""The instances' hosts: real Debians with systemd, each under systemd-nspawn on overlayfs.

A host lies in <folder>/hosts/<instance id>: `upper` has what differs from its image, `root` is
the whole while it runs. A thread per host brings it in step with the latest snapshot.
"""

import contextlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from airaware.errors import AirAwareError
from tools.lab.commands import marked, run
from tools.lab.hosts import cgroups, images, seed, volumes
from tools.lab.model import Instance, Region, Volume
from tools.lab.net import namespaces
from tools.lab.net.network import Network, bridge

# CPUs by the size in an instance's type; larger ones have all of the machine. As the launch
# credits of burstable types do, the time before the cap lets a host boot at full speed.
CPU_CAPS = {"nano": 0.25, "micro": 0.5, "small": 1.0}
UNCAPPED_SECONDS = 30
# Times another host's share of a busy machine's CPUs, by role: others wait for these.
CPU_WEIGHTS = {"puppet": 8, "database": 2}
BOOTS_AT_ONCE = 2
BOOT_SECONDS = 60
STOP_SECONDS = 20
STOP_UNBOOTED_SECONDS = 5  # its systemd may not listen yet
TICK_SECONDS = 0.25
SSH_PORT = 22
REBOOT_STATUS = 133  # systemd-nspawn's, where the host itself wants to start again


@dataclass(frozen=True)
class Lab:
    """What hosts need to know of the lab that they are in."""

    name: str
    folder: Path
    network: Network
    endpoint: seed.Endpoint


@dataclass(frozen=True)
class HostHealth:
    """How a host is: starting, running (SSH answers), stopped, or dead (ended unasked)."""

    state: str
    since: float  # seconds since 1970
    boot_seconds: float | None  # from its start until SSH answered
    memory_bytes: int
    message: str = ""  # why it is dead, where that is known


class Hosts:
    """All hosts of a lab."""

    def __init__(self, lab: Lab) -> None:
        """Begin without hosts."""
        self.lab = lab
        self._hosts: dict[str, _Host] = {}
        self._boots = threading.Semaphore(BOOTS_AT_ONCE)

    def apply(self, region: Region) -> None:
        """Have each host follow the snapshot: start, stop, end, attach volumes. Returns at once."""
        for instance_id, instance in region.instances.items():
            if instance_id not in self._hosts:
                self._hosts[instance_id] = _Host(self.lab, instance_id, self._boots)
            self._hosts[instance_id].follow(instance, region)
        for instance_id in self._hosts.keys() - region.instances.keys():
            host = self._hosts[instance_id]
            if host.wanted and instance_id in region.imaged:
                host.follow(replace(host.wanted, state="stopped"), region)
                continue
            host.follow(None, region)
            if host.ended():
                del self._hosts[instance_id]

    def health(self) -> dict[str, HostHealth]:
        """How each host is, by instance id."""
        return {instance_id: host.health() for instance_id, host in self._hosts.items()}

    def disk(self, instance_id: str) -> Path:
        """Return what differs on a host's disk from its image."""
        return self.lab.folder / "hosts" / instance_id / "upper"

    def reboot(self, instance_id: str) -> None:
        """Stop a host and start it again."""
        self._hosts[instance_id].reboot()

    def stop(self) -> None:
        """Stop all hosts cleanly and wait for it; their roots stay."""
        for host in self._hosts.values():
            host.quit()
        for host in self._hosts.values():
            host.thread.join()


class _Host:
    """One host and the thread that alone touches it."""

    def __init__(self, lab: Lab, instance_id: str, boots: threading.Semaphore) -> None:
        self.lab = lab
        self.id = instance_id
        self.machine = f"{lab.name}-{instance_id}"
        self.folder = lab.folder / "hosts" / instance_id
        self.root = self.folder / "root"
        self.group = cgroups.Group(lab.name, instance_id)
        self.boots = boots
        self.process: subprocess.Popen[bytes] | None = None
        self.wanted: Instance | None = None
        self.region = Region()
        self.launched: int | None = None
        self.address = ""
        self.started = 0.0  # monotonic
        self.capped = False
        self.mounted: frozenset[Volume] = frozenset()
        self._health = HostHealth("starting", time.time(), None, 0)
        self._changed = threading.Event()
        self._quit = False
        self._reboot = False
        self.thread = threading.Thread(target=self._work, name=self.machine, daemon=True)

    def follow(self, instance: Instance | None, region: Region) -> None:
        """Take over what is wanted; None: neither the host nor its root."""
        if (instance, region) != (self.wanted, self.region):
            self.wanted, self.region = instance, region
            self._changed.set()
        if not self.thread.ident:
            self.thread.start()

    def reboot(self) -> None:
        """Stop it and start it again, soon."""
        self._reboot = True
        self._changed.set()

    def quit(self) -> None:
        """Stop it and let its thread end."""
        self._quit = True
        self._changed.set()

    def ended(self) -> bool:
        """Whether its thread has done all that it will do."""
        return not self.thread.is_alive()

    def health(self) -> HostHealth:
        """How it is now."""
        known = self._health
        memory = self.group.memory_bytes() if known.state in ("starting", "running") else 0
        return HostHealth(known.state, known.since, known.boot_seconds, memory, known.message)

    def _work(self) -> None:
        while not self._quit and self.wanted:
            try:
                self._step(self.wanted)
            except (AirAwareError, OSError) as error:
                self._die(str(error))
            self._changed.wait(TICK_SECONDS)
            self._changed.clear()
        self._stop()
        if not self._quit:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _step(self, wanted: Instance) -> None:
        """One step from what is towards what is wanted."""
        if self.process and (status := self.process.poll()) is not None:
            if status == REBOOT_STATUS:
                self._reboot = True
            else:
                self._die(f"its systemd-nspawn ended with status {status}")
        if wanted.state != "running":
            self._stop()
        elif self._reboot or wanted.launch != self.launched:
            self._stop()
            self._reboot, self.launched = False, wanted.launch
            with self.boots:
                self._start(wanted)
                self._await_boot()
        elif self.process:
            if self._health.state == "starting":
                self._look_for_ssh()
            self._cap_cpu(wanted)
            self._attach_volumes(wanted)

    def _start(self, instance: Instance) -> None:
        self._say("starting")
        for made in (self.root, self.folder / "upper", self.folder / "work"):
            made.mkdir(parents=True, exist_ok=True)
        layers = ":".join(str(layer) for layer in images.layers_of(instance.layer))
        upper = f"upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
        run(
            *("mount", "-t", "overlay", "-o", f"lowerdir={layers},{upper}"),
            *(self.machine, self.root),
        )
        seed.write(self.root, instance, self.region, self.lab.endpoint)
        self.group.make()
        self.group.weigh_cpu(CPU_WEIGHTS.get(instance.role, 1))
        self.address = str(instance.interface.address)
        self.started, self.capped = time.monotonic(), False
        self.mounted = _with_place(instance)
        self.process = self._spawn(instance)

    def _spawn(self, instance: Instance) -> subprocess.Popen[bytes]:
        """Return the host's systemd-nspawn, in its cgroups and in the router's namespace."""
        binds = [f"--bind={self._mounted(volume)}:{volume.mount}" for volume in self.mounted]
        command = [
            *("nsenter", f"--net={namespaces.FOLDER / self.lab.network.router}"),
            *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}"),
            *(f"--machine={self.machine}", f"--hostname={instance.hostname}"),
            *("--register=no", "--keep-unit", "--private-users=no", "--resolv-conf=off"),
            *("--timezone=off", "--link-journal=no", "--kill-signal=SIGRTMIN+3"),
            *(f"--network-bridge={bridge(instance.zone)}", "--console=read-only", *binds),
        ]
        with (self.folder / "console.log").open("wb") as console:
            return subprocess.Popen(
                ["/bin/sh", "-c", f'{self.group.joining()}; exec "$@"', "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=marked(self.lab.name),
            )

    def _await_boot(self) -> None:
        """Wait until SSH answers, it ends, it is to be started otherwise, or the time is over."""
        deadline = self.started + BOOT_SECONDS
        while self._health.state == "starting" and self._is_as_wanted():
            if time.monotonic() > deadline or not self.process or self.process.poll() is not None:
                return
            self._look_for_ssh()
            time.sleep(0.05)

    def _is_as_wanted(self) -> bool:
        wanted = self.wanted
        return (
            bool(wanted and wanted.state == "running" and wanted.launch == self.launched)
            and not self._reboot
            and not self._quit
        )

    def _look_for_ssh(self) -> None:
        """Call it running once SSH answers: by then cloud-init has set up its admin's key."""
        with contextlib.suppress(OSError):
            namespaces.connect(self.lab.network.router, self.address, SSH_PORT, 1).close()
            self._say("running", boot_seconds=time.monotonic() - self.started)

    def _cap_cpu(self, instance: Instance) -> None:
        cap = CPU_CAPS.get(instance.type.rpartition(".")[2])
        if cap and not self.capped and time.monotonic() > self.started + UNCAPPED_SECONDS:
            self.group.cap_cpu(cap)
            self.capped = True

    def _attach_volumes(self, instance: Instance) -> None:
        """Bind what was attached since, and take out what was detached."""
        wanted = _with_place(instance)
        if wanted == self.mounted:
            return
        leader = self._leader()
        attach = (sys.executable, "-m", "tools.lab.hosts.attach", str(leader))
        for volume in self.mounted - wanted:
            run(*attach, str(volume.mount))
        for volume in wanted - self.mounted:
            run(*attach, str(volume.mount), self._mounted(volume))
        self.mounted = wanted

    def _mounted(self, volume: Volume) -> Path:
        return volumes.mounted(self.lab.name, self.lab.folder / "volumes", volume)

    def _leader(self) -> int:
        """Return the id, on this machine, of the host's first process."""
        for pid in self.group.processes():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                ids = status.partition("NSpid:")[2].splitlines()[0].split()
                if len(ids) > 1 and ids[-1] == "1":
                    return pid
        raise AirAwareError(f"{self.id} has no first process: see {self.folder}/console.log")

    def _stop(self) -> None:
        """Stop it cleanly, or by force after the deadline, and clean up."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            booted = self._health.state == "running"
            try:
                self.process.wait(STOP_SECONDS if booted else STOP_UNBOOTED_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self._clean_up()
        if self._health.state != "stopped":
            self._say("stopped")
        self.launched = None

    def _die(self, message: str) -> None:
        """Take notice of an end that nobody asked for, and clean up."""
        try:
            self._clean_up()
        except (AirAwareError, OSError) as error:
            message = f"{message}; {error}"
        self._say("dead", message=message)

    def _clean_up(self) -> None:
        """Remove what a host that ended may have left: processes, its root's mount, interface."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.group.remove()
        while self.root.is_mount():
            run("umount", self.root)
        shutil.rmtree(Path("/run/systemd/nspawn/propagate") / self.machine, ignore_errors=True)

    def _say(self, state: str, boot_seconds: float | None = None, message: str = "") -> None:
        self._health = HostHealth(state, time.time(), boot_seconds, 0, message)


def _with_place(instance: Instance) -> frozenset[Volume]:
    """Return the volumes that say where they are to be mounted."""
    return frozenset(volume for volume in instance.volumes if volume.mount)
