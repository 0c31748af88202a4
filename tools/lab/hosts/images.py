"""The root file systems of the hosts: layers, each built once and kept by what it was made from.

An image is a stack of layers, as overlayfs takes them. Each lies in the user's cache folder under
a digest of all that went into it; a build works under another name until it is whole.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from airaware.errors import AirAwareError
from tools.lab.commands import run
from tools.lab.hosts import contents
from tools.machine.environ import cache_folder
from tools.region import packer

SUITE = "bookworm"
MIRRORS = {
    "": "http://deb.debian.org/debian",
    "-updates": "http://deb.debian.org/debian",
    "-security": "http://security.debian.org/debian-security",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LIMIT_BYTES = 12 << 30
BUILD_SECONDS = 1200
SEAL_SECONDS = 300
UNFINISHED = "building-"
BUILD = "/run/build"  # where a root sees what only its build may know

PACKAGES = (
    *("ca-certificates", "cloud-init", "curl", "gnupg", "iproute2", "openssh-server"),
    *("prometheus-node-exporter", "puppet-agent", "python3-boto3", "sudo", "unattended-upgrades"),
)
REPOSITORY_FOLDER = "packages"  # below what a host's line of apt names
# What the roles of a fleet install, as machine images have it.
REPOSITORY = tuple(sorted(packer.packages("lab")))
# What the lab's hosts have in common, and what makes them boot within seconds.
FILES = {
    "etc/cloud/cloud.cfg.d/90-lab.cfg": """\
datasource_list: [NoCloud]
network: {config: disabled}
manage_etc_hosts: true
ssh_deletekeys: false
ssh_genkeytypes: [ed25519]
cloud_init_modules:
  [bootcmd, write-files, set_hostname, update_hostname, update_etc_hosts, users-groups,
   set-passwords, ssh]
cloud_config_modules: []
cloud_final_modules:
  [runcmd, scripts-per-once, scripts-per-boot, scripts-per-instance, scripts-user, final-message]
system_info: {default_user: {name: admin}}
""",
    "etc/ssh/sshd_config.d/lab.conf": """\
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
""",
    # A key of the host's own, made at its first boot.
    "etc/systemd/system/ssh.service.d/lab.conf": """\
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'cd /etc/ssh; [ -e ssh_host_ed25519_key ] || \\
    ssh-keygen -q -t ed25519 -N "" -f ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
""",
    # No mirror can be reached from the lab.
    "etc/apt/sources.list": "",
    # A host that loses the machine's power is made anew: nothing need be on its disk at once.
    "etc/dpkg/dpkg.cfg.d/lab": "force-unsafe-io\n",
}
# Puppet starts what it has configured. There is no way to a mirror, so nothing asks for upgrades.
# cloud-init has no network to set up, so the network need not wait for it. What it does, it does in
# its first stage (a seed says so by its `dsmode`) and its last: each of the four is a Python of its
# own, a second of CPU time. systemd runs generators whenever it reads its units anew, often in a
# first run. That of cloud-init, 15 processes each time, finds here what it would decide.
SETTINGS = """
mkdir -p /etc/systemd/system-generators
for each in cloud-init-generator systemd-cryptsetup-generator systemd-gpt-auto-generator \
    systemd-hibernate-resume-generator systemd-integritysetup-generator \
    systemd-veritysetup-generator; do
    ln -s /dev/null /etc/systemd/system-generators/$each
done
ln -s /lib/systemd/system/cloud-init.target /etc/systemd/system/multi-user.target.wants/
systemctl --quiet enable systemd-networkd
systemctl --quiet disable puppet prometheus-node-exporter unattended-upgrades
systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer cloud-config.service \
    cloud-init.service console-getty.service \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service
sed -i '/^Before=network-pre.target/d' /lib/systemd/system/cloud-init-local.service
"""


@dataclass(frozen=True)
class Image:
    """A root file system: its layers' folders, the topmost first."""

    name: str
    layers: tuple[Path, ...]
    digest: str


def folder() -> Path:
    """Where layers are kept: in the user's cache folder."""
    return cache_folder() / "images"


def base(progress: Callable[[str], None]) -> Image:
    """Return the image that all hosts start from; built where it is not there yet (some minutes).

    Raises AirAwareError where a package cannot be had. Another build at the same time is waited
    for.
    """
    with locked() as lock:
        _remove_unfinished()
        debian = _layer(
            _digest(SUITE), None, progress, lambda root, _: _bootstrap(root, lock, progress)
        )
        top = _layer(
            _digest(debian.name, *PACKAGES, SETTINGS, *FILES, *FILES.values()),
            debian,
            progress,
            lambda root, work: _furnish(root, work, debian / "root", progress),
        )
        image = Image(f"airaware-base-{top.name}", _stack(top), top.name)
        use(image.layers)
        _shrink(image.layers)
    return image


def repository(progress: Callable[[str], None]) -> Path:
    """Return a folder that is an apt repository: what the roles install on the base image.

    Built where it is not in the cache yet (some minutes). Raises AirAwareError where a package
    cannot be had.
    """
    below = base(progress)
    with locked():
        layer = _layer(
            _digest(below.digest, REPOSITORY_FOLDER, *REPOSITORY),
            None,
            progress,
            lambda root, work: _collect(root, work, below, progress),
        )
        os.utime(layer)
        _shrink((*below.layers, layer / "root"))
    return layer / "root"


def layers_of(top: str) -> tuple[Path, ...]:
    """Return the layer of that digest and those below it, the topmost first.

    Raises AirAwareError where one is not in the cache.
    """
    return _stack(folder() / top)


def _stack(layer: Path) -> tuple[Path, ...]:
    if not (layer / "root").is_dir():
        raise AirAwareError(f"There is no image layer {layer}: build the lab's image again")
    below = (layer / "below").read_text()
    return (layer / "root", *(_stack(layer.parent / below) if below else ()))


def _digest(*inputs: str) -> str:
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:12]


@contextlib.contextmanager
def locked() -> Iterator[int]:
    """Held by one change of the cache at a time, for as long as what it started runs."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def use(layers: tuple[Path, ...]) -> None:
    """Note that they are used: the cache loses first what was not used for longest."""
    for layer in layers:
        os.utime(layer.parent)


def seal(disk: Path, below: str, clean: Callable[[Path], None]) -> str:
    """Keep a host's disk as a layer on `below`. Returns its digest, which its content makes.

    `clean` is given the copy, to take out what was the host's alone.
    """
    with locked():
        _remove_unfinished()
        try:
            unfinished = _begin("disk", below)
            run(
                *("cp", "-a", "--reflink=auto", f"{disk}/.", unfinished / "root"),
                timeout_seconds=SEAL_SECONDS,
            )
            clean(unfinished / "root")
            digest = contents.digest(unfinished / "root", below)
            if not (folder() / digest).is_dir():
                _finish(unfinished, folder() / digest)
        finally:
            _remove_unfinished()
        use(_stack(folder() / digest))
        _shrink(_stack(folder() / digest))
    return digest


def free(digest: str) -> None:
    """Remove a layer that no image has any more, unless a host or another layer is on it."""
    with locked():
        layer = folder() / digest
        needed = {below.read_text() for below in folder().glob("*/below")}
        if layer.is_dir() and digest not in needed and not _is_mounted(layer):
            shutil.rmtree(layer)


def _layer(
    digest: str,
    below: Path | None,
    progress: Callable[[str], None],
    build: Callable[[Path, Path], object],
) -> Path:
    """Return the layer of that digest, cached or built: build(its root, a folder to work in)."""
    layer = folder() / digest
    if layer.is_dir():
        return layer
    started = time.monotonic()
    try:
        unfinished = _begin(digest, below.name if below else "")
        build(unfinished / "root", unfinished / "work")
        shutil.rmtree(unfinished / "work", ignore_errors=True)
        _finish(unfinished, layer)
    finally:
        _remove_unfinished()
    progress(f"image layer {digest} is there after {time.monotonic() - started:.0f} s")
    return layer


def _begin(name: str, below: str) -> Path:
    """Return a layer's folder for as long as it is not whole."""
    unfinished = folder() / f"{UNFINISHED}{name}"
    (unfinished / "root").mkdir(parents=True)
    (unfinished / "below").write_text(below)
    return unfinished


def _finish(unfinished: Path, layer: Path) -> None:
    (unfinished / "bytes").write_text(run("du", "-sxB1", unfinished / "root").split()[0])
    unfinished.rename(layer)


def _remove_unfinished() -> None:
    """Remove what a build that did not come to its end has left."""
    for unfinished in folder().glob(f"{UNFINISHED}*"):
        while os.path.ismount(unfinished / "work" / "mount"):
            run("umount", unfinished / "work" / "mount")
        shutil.rmtree(unfinished)


def _shrink(kept: tuple[Path, ...]) -> None:
    """Remove the layers that were not used for longest, until the rest is within the limit."""
    sizes = {layer.parent: int(layer.read_text()) for layer in folder().glob("*/bytes")}
    for layer in sorted(sizes, key=lambda layer: layer.stat().st_mtime):
        if sum(sizes.values()) <= LIMIT_BYTES:
            return
        if layer / "root" not in kept and not _is_mounted(layer):
            shutil.rmtree(layer)
            del sizes[layer]


def _is_mounted(layer: Path) -> bool:
    return str(layer) in Path("/proc/self/mountinfo").read_text()


def _mirrors() -> dict[str, str]:
    """Return the mirror of each part of Debian (its suffix); the machine's own on Debian."""
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian":
        return MIRRORS
    form = "$(RELEASE) $(SITE)"
    listed = run("apt-get", "indextargets", "--format", form, "Created-By: Packages")
    sites = dict(line.split() for line in reversed(listed.splitlines()))
    return {
        part: site if site.startswith("http") else default
        for part, default in MIRRORS.items()
        for site in [sites.get(f"{release.get('VERSION_CODENAME')}{part}", "")]
    }


def _bootstrap(root: Path, lock: int, progress: Callable[[str], None]) -> None:
    """Make the smallest Debian that boots."""
    mirror = _mirrors()[""]
    progress(f"fetching Debian {SUITE} from {mirror} (one to three minutes)")
    proxy = run("apt-config", "shell", "proxy", "Acquire::http::Proxy").strip()
    run(
        *("setpriv", "--pdeathsig", "KILL", "debootstrap", "--variant=minbase"),
        *("--include=systemd,systemd-sysv,dbus", f"--keyring={KEYRING}", SUITE, root, mirror),
        timeout_seconds=BUILD_SECONDS,
        pass_fds=(lock,),
        env=os.environ | ({"http_proxy": proxy.partition("=")[2].strip("'")} if proxy else {}),
    )
    shutil.rmtree(root / "var/cache/apt/archives")
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    _forget_who_it_is(root)


def _furnish(root: Path, work: Path, below: Path, progress: Callable[[str], None]) -> None:
    """Install what all hosts have, as a layer on Debian's: `root` takes what differs."""
    progress(f"installing {', '.join(PACKAGES)}")
    with _overlaid((below,), root, work) as (mount, apt):
        install = "apt-get -q update && apt-get -q -y install --no-install-recommends "
        _in_root(mount, apt, install + " ".join(PACKAGES))
        for path, content in FILES.items():
            (mount / path).parent.mkdir(parents=True, exist_ok=True)
            (mount / path).write_text(content)
        _in_root(mount, apt, f"set -e\n{SETTINGS}\napt-get clean")
        shutil.rmtree(mount / "var/lib/apt/lists")
        (mount / "var/lib/apt/lists/partial").mkdir(parents=True)
        _forget_who_it_is(mount)


def _collect(root: Path, work: Path, below: Image, progress: Callable[[str], None]) -> None:
    """Fetch the packages and dependencies that the image lacks, and make apt's index of them."""
    progress(f"fetching {', '.join(REPOSITORY)}")
    with _overlaid(below.layers, work / "changes", work) as (mount, apt):
        fetch = (
            "apt-get -q update && apt-get -q -y install --no-install-recommends --download-only "
        )
        _in_root(mount, apt, fetch + " ".join(REPOSITORY))
        for package in (mount / "var/cache/apt/archives").glob("*.deb"):
            # An epoch's colon, as apt writes it, would be escaped once more in a URL.
            shutil.copyfile(package, root / package.name.replace("%3a", "."))
    (root / "Packages").write_text(_index(root))


def _index(packages: Path) -> str:
    """Return what apt reads of the folder's packages, as a file beside them."""
    return "\n".join(
        f"{run('dpkg-deb', '--field', package).strip()}\n"
        f"Filename: {REPOSITORY_FOLDER}/{package.name}\n"
        f"Size: {package.stat().st_size}\nSHA256: {_sha256(package)}\n"
        for package in sorted(packages.glob("*.deb"))
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _overlaid(below: tuple[Path, ...], changes: Path, work: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a root on the layers `below` (topmost first) for `changes`, and apt's settings."""
    mount, scratch, apt = work / "mount", work / "overlay", work / "apt"
    for made in (mount, scratch, apt, changes):
        made.mkdir(parents=True, exist_ok=True)
    _write_apt(apt)
    lower = ":".join(map(str, below))
    options = f"lowerdir={lower},upperdir={changes},workdir={scratch}"
    run("mount", "-t", "overlay", "-o", options, "airaware-image", mount)
    try:
        yield mount, apt
    finally:
        run("umount", mount)


def _write_apt(apt: Path) -> None:
    """Apt's settings for the build alone: where and how this machine itself gets packages."""
    inherited = [
        line
        for line in run("apt-config", "dump").splitlines()
        if line.startswith("Acquire::") and not line.startswith("Acquire::IndexTargets")
    ]
    own = f"""
Acquire::Languages "none";
Acquire::https::CaInfo "{BUILD}/ca.crt";
Dir::Etc::sourcelist "{BUILD}/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::netrc "{BUILD}/apt/auth.conf";
Dir::Etc::netrcparts "{BUILD}/apt/auth.conf.d";
"""
    (apt / "apt.conf").write_text("\n".join(inherited) + own)
    (apt / "sources.list").write_text(
        "".join(
            f"deb [signed-by={KEYRING}] {mirror} {SUITE}{part} main\n"
            for part, mirror in _mirrors().items()
        )
    )
    with contextlib.suppress(FileNotFoundError):
        shutil.copy("/etc/apt/auth.conf", apt / "auth.conf")
    shutil.copytree("/etc/apt/auth.conf.d", apt / "auth.conf.d", dirs_exist_ok=True)


def _in_root(root: Path, apt: Path, script: str) -> None:
    """Run a shell script in a root, on the machine's network, with apt's settings for the build."""
    run(
        *("setpriv", "--pdeathsig", "KILL", "systemd-nspawn", "--quiet", f"--directory={root}"),
        *("--register=no", "--keep-unit", "--as-pid2", "--pipe", "--private-users=no"),
        *("--machine=airaware-image", "--resolv-conf=copy-host", "--timezone=off"),
        *(f"--bind-ro={apt}:{BUILD}/apt", f"--bind-ro={CERTIFICATES}:{BUILD}/ca.crt"),
        *(f"--setenv=APT_CONFIG={BUILD}/apt/apt.conf", "--setenv=DEBIAN_FRONTEND=noninteractive"),
        *("--", "/bin/sh", "-c", script),
        timeout_seconds=BUILD_SECONDS,
    )


def _forget_who_it_is(root: Path) -> None:
    """Leave to each host what must be its own: identity, keys, resolver, logs."""
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").unlink(missing_ok=True)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for log in (root / "var/log").rglob("*.log"):
        log.unlink()
