"""The role puppet: the master speaks TLS only, and to hosts that have its CA's certificate."""

from pathlib import Path

import pytest
from hands import current
from inspected import Inspected, inspected

from tools.environments.fleet import Fleet
from tools.rollout import rollout

ASK = "import ssl, sys, urllib.request as u; c = ssl.create_default_context(cafile={cafile!r}); "
ASK += "print(u.urlopen({url!r}, context=c, timeout=10).read().decode())"
CACHE = "/puppet-admin-api/v1/environment-cache"
CA = "/var/lib/puppet/ssl/certs/ca.pem"


@pytest.fixture(scope="module")
def master(fleet: Fleet) -> Inspected:
    (host,) = inspected(fleet, "puppet")
    return host


@pytest.fixture(scope="module")
def client(fleet: Fleet) -> Inspected:
    """A host that asks the master."""
    return inspected(fleet, "controller")[0]


def asked(client: Inspected, url: str, cafile: str = CA):
    return client.root.run("python3 -c %s", ASK.format(url=url, cafile=cafile))


def test_services_and_ports(master: Inspected) -> None:
    assert master.active("puppetserver", "airaware-clean-certificates.timer")
    assert master.ports() == {22, 8140, 9100}
    assert "puppetserver" in master.root.check_output("ps -ww -u puppet -o args")


def test_it_answers_over_tls(fleet: Fleet, client: Inspected) -> None:
    url = f"https://puppet.{fleet.domain()}:8140/status/v1/simple"
    assert asked(client, url).stdout.strip() == "running"
    stranger = asked(client, url, "/etc/ssl/certs/ca-certificates.crt")
    assert "CERTIFICATE_VERIFY_FAILED" in stranger.stderr
    plain = asked(client, url.replace("https", "http"))
    assert plain.rc != 0, "plain text is refused"


def test_nobody_gets_a_catalog_without_a_certificate(fleet: Fleet, client: Inspected) -> None:
    base = f"https://puppet.{fleet.domain()}:8140/puppet/v3"
    name = f"database-a.{fleet.domain()}"
    for path in (f"/catalog/{name}?environment=production", f"/node/{name}?environment=production"):
        assert "403" in asked(client, base + path).stderr, path


def test_its_cache_is_cleared_when_a_release_is_served(fleet: Fleet, master: Inspected) -> None:
    log = "/var/log/puppetserver/puppetserver-access.log"
    count = f"grep -c 'DELETE {CACHE} .* 204 ' {log}"
    before = int(master.root.run(count).stdout)
    rollout.serve(fleet, current(fleet))
    assert int(master.root.run(count).stdout) == before + 1


def test_no_other_host_may_clear_its_cache(fleet: Fleet, client: Inspected) -> None:
    keys, name = Path(CA).parents[1], f"{client.instance.name}.{fleet.domain()}"
    words = f"--cert {keys}/certs/{name}.pem --key {keys}/private_keys/{name}.pem --cacert {CA}"
    url = f"https://puppet.{fleet.domain()}:8140{CACHE}"
    status = "curl -s -o /dev/null -w '%{http_code}'"
    assert client.root.check_output(f"{status} {words} -X DELETE {url}") == "403"


def test_the_cas_key_is_the_masters_alone(master: Inspected) -> None:
    user, _, mode = master.owned("/var/lib/puppet/ca/ca_key.pem")
    assert user == "puppet"
    assert mode & 0o007 == 0
    assert master.owned("/var/lib/puppet/autosign") == ("puppet", "puppet", 0o700)


def test_versions(master: Inspected) -> None:
    assert master.root.check_output("puppetserver --version").split(".")[0][-1] in ("7", "8")
