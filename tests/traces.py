"""What no machine image may have inside."""

from pathlib import Path

TRACES = (
    *("etc/ssh/ssh_host_*", "home/*/.ssh/*", "root/.ssh/*", "var/lib/cloud/instances/*"),
    *("root/.bash_history", "home/*/.bash_history", "tmp/*", "var/log/**/*.log"),
    *("var/lib/puppet/ssl/*", "var/cache/puppet/state/*", "var/cache/puppet/public/*"),
    "etc/airaware/passwords",
    "var/lib/postgresql/*/main/*",
)


def of_a_host(root: Path) -> list[str]:
    """Paths within an image's files that are some host's own: keys, certificates, history, logs."""
    found = [str(path.relative_to(root)) for each in TRACES for path in root.glob(each)]
    identity = root / "etc/machine-id"
    return found + (["etc/machine-id"] if identity.exists() and identity.read_text() else [])
