"""One more role of hosts, `cache`: all the files that it takes beside tests and docs."""

from collections.abc import Callable
from pathlib import Path

ENTRY = """
cache:
  hosts: zones
  instance_type: t3.small
  permissions: [read_raw]
  passwords: [reader_password]
  packages: {varnish: "7."}
  data: {mount: /var/cache, gigabytes: 3}
"""
FLOW = '{ from = "web", to = "cache", port = "http", why = "pages" },'
ROLE = """# @summary A cache of pages.
class role::cache {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::cache
}
"""
PROFILE = """# @summary A cache of pages.
class profile::cache {
  package { 'varnish':
    ensure => installed,
  }
}
"""

# File -> its new text, made of the text before ("" where there is none). docs/adding.md lists them.
FILES: dict[str, Callable[[str], str]] = {
    "terraform/roles.yaml": lambda text: text + ENTRY,
    "terraform/flows.tf": lambda text: text.replace("    [\n", f"    [\n      {FLOW}\n", 1),
    "modules/role/manifests/cache.pp": lambda _: ROLE,
    "modules/profile/manifests/cache.pp": lambda _: PROFILE,
    "hieradata/role/cache.yaml": lambda _: "airaware::extras: [fleet]\n",
    "hieradata/role/monitoring.yaml": lambda text: text.replace(
        "  web: {port: 8000, role: web}\n",
        "  web: {port: 8000, role: web}\n  cache: {port: 9131, role: cache}\n",
    ),
}


def add(copy: Path, *parts: str) -> None:
    """Add the role to a copy of these folders of the checkout."""
    for name, change in FILES.items():
        if name.startswith(parts):
            path = copy / name
            before = path.read_text() if path.exists() else ""
            after = change(before)
            assert after != before, name
            path.write_text(after)
