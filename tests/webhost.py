"""A web host's proxy and its gunicorn on this machine, by Puppet's templates and Hiera's data."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from deadline import until

from tools.machine.checkout import CHECKOUT
from tools.machine.postgres import HOST, free_port, port_is_free

TEMPLATES = CHECKOUT / "modules" / "profile" / "templates"
USER = "    user haproxy\n    group haproxy\n"

needs_its_programs = pytest.mark.skipif(
    not (shutil.which("puppet") and shutil.which("haproxy")),
    reason="Puppet and HAProxy are not there: tools/setup.sh tests installs them",
)


def data(name: str) -> dict[str, Any]:
    """Return what Hiera has for a class of role web, by parameter."""
    found: dict[str, Any] = {}
    for file in ("common.yaml", "role/web.yaml"):
        found |= yaml.safe_load((CHECKOUT / "hieradata" / file).read_text())
    prefix = f"{name}::"
    return {key.removeprefix(prefix): found[key] for key in found if key.startswith(prefix)}


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """Render one of the profiles' templates."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(dict(values), file)
        file.flush()
        template = str(TEMPLATES / template)
        command = ["puppet", "epp", "render", template, "--values_file", file.name]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class WebHost:
    """The proxy that runs, where it listens, and its log."""

    port: int
    log: Path
    proxy: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"


@contextmanager
def proxied(site_port: int, folder: Path, **changes: Any) -> Iterator[WebHost]:
    """Run the proxy before a site; `changes` are values that differ from Hiera's."""
    port, configuration, log = free_port(), folder / "haproxy.cfg", folder / "haproxy.log"
    given, site = data("profile::web_proxy"), data("profile::web")
    places = {name: given.pop(name) for name in ("checks", "costly")}
    places["visitors"] = site["workers"] * site["threads"] - sum(places.values())
    text = rendered(
        "web-proxy.cfg.epp",
        given | {"port": port, "site_port": site_port, "places": places} | changes,
    )
    # As on a host, where root starts it; nobody else can drop rights.
    configuration.write_text(text if os.geteuid() == 0 else text.replace(USER, ""))
    with log.open("w") as output:
        proxy = subprocess.Popen(
            ["haproxy", "-W", "-db", "-f", configuration], stdout=output, stderr=output
        )
    host = WebHost(port, log, proxy)
    try:
        until(lambda: _answers(host.url) or proxy.poll() is not None)
        assert proxy.poll() is None, log.read_text()
        yield host
    finally:
        proxy.terminate()
        proxy.wait()


@contextmanager
def web_host(
    application: str, environ: Mapping[str, str], folder: Path, **changes: Any
) -> Iterator[WebHost]:
    """Run gunicorn by the unit's own command, and the proxy before it."""
    port, log = free_port(), folder / "gunicorn.log"
    with ExitStack() as stack:
        command = gunicorn(application, port, folder / "web.pid")
        with log.open("w") as output:
            server = subprocess.Popen(
                command, env=os.environ | environ, stdout=output, stderr=output
            )
        stack.callback(server.wait)
        stack.callback(server.terminate)
        until(lambda: not port_is_free(port) or server.poll() is not None)
        assert server.poll() is None, log.read_text()
        yield stack.enter_context(proxied(port, folder, **changes))


def gunicorn(application: str, port: int, pid_file: Path) -> list[str]:
    """Return what the site's unit starts, but for the paths and the application."""
    unit = rendered("airaware-web.service.epp", data("profile::web") | {"port": port})
    (line,) = [
        line for line in unit.replace("\\\n", " ").splitlines() if line.startswith("ExecStart=")
    ]
    program, _, *options = shlex.split(line.removeprefix("ExecStart="))
    assert program.endswith("/gunicorn")
    options[options.index("--pid") + 1] = str(pid_file)
    return [sys.executable, "-m", "gunicorn", application, *options]


def _answers(url: str) -> bool:
    try:
        requests.get(url, timeout=60)
    except requests.ConnectionError:
        return False
    return True
