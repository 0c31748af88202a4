"""What every host of a fleet has, whatever its role."""

from collections.abc import Mapping

import hands
import pytest
from inspected import Inspected, inspected

from tools.environments.fleet import Fleet

pytestmark = pytest.mark.usefixtures("steady_web")

# sshd's settings in effect, as `sshd -T` tells them.
SSHD = {
    "permitrootlogin": "no",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "authenticationmethods": "publickey",
    "allowagentforwarding": "no",
    "x11forwarding": "no",
    "permittunnel": "no",
    "maxauthtries": "3",
    "logingracetime": "30",
}


@pytest.fixture(scope="module")
def everywhere(fleet: Fleet) -> list[Inspected]:
    return inspected(fleet)


@pytest.fixture(scope="module")
def passwords(fleet: Fleet) -> Mapping[str, str]:
    """The fleet's passwords, by their name in SSM."""
    return hands.passwords(fleet)


def test_the_agent_and_the_hosts_metrics_run(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        assert host.active("puppet", "ssh", "prometheus-node-exporter"), host
        assert {22, 9100} <= host.ports(), host


def test_sshd_takes_keys_only_and_no_root(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        told = dict(
            line.split(" ", 1) for line in host.root.check_output("sshd -T").splitlines() if line
        )
        assert {name: told[name] for name in SSHD} == SSHD, host
        assert not [cipher for cipher in told["ciphers"].split(",") if "cbc" in cipher], host
        assert host.root.file("/etc/ssh/sshd_config.d/10-airaware.conf").mode == 0o600, host


def test_nobody_logs_in_but_the_operator(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        accounts = [
            line.split(":") for line in host.root.check_output("getent passwd").splitlines()
        ]
        people = {name for name, _, uid, *_, shell in accounts if 1000 <= int(uid) < 60000}
        assert len(people) == 1, (host, people)
        shadow = [line.split(":") for line in host.root.check_output("getent shadow").splitlines()]
        assert [name for name, password, *_ in shadow if password[:1] not in "!*"] == [], host


def test_hosts_keep_utc(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        assert host.root.check_output("date +%Z") == "UTC", host


def test_the_certificate_names_the_hosts_role(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        name = host.root.check_output("puppet config print hostcert")
        told = host.root.check_output("openssl x509 -noout -text -in %s", name)
        # pp_role, pp_instance_id: openssl knows these extensions by their numbers alone.
        assert "1.3.6.1.4.1.34380.1.1.13" in told, host
        assert host.instance.role in told, host
        assert host.instance.instance_id in told, host


def test_the_agent_is_puppet_7_or_8(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        assert host.root.check_output("puppet --version").split(".")[0] in ("7", "8"), host


def test_facts_that_take_long_are_left_out(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        assert host.root.check_output("facter augeas") == "", host


# What the image has for all roles, and the roles that run it.
OWN = {
    **{
        "puppetserver": "puppet",
        "postgresql": "database",
        "prometheus-postgres-exporter": "database",
    },
    **{"prometheus": "monitoring", "prometheus-alertmanager": "monitoring"},
    **{"prometheus-blackbox-exporter": "monitoring"},
    **{
        "haproxy": "web",
        "airaware-web": "web",
        "airaware-watchdog": "web",
        "airaware-cpu-metric": "web",
    },
}


def test_what_the_image_has_for_other_roles_stands_still(everywhere: list[Inspected]) -> None:
    """It neither runs nor starts with the host; on its own role's hosts it does both."""
    for host in everywhere:
        for unit, role in OWN.items():
            service = host.root.service(unit)
            runs = (service.is_running, service.is_enabled)
            assert runs == ((host.instance.role == role,) * 2), (host, unit, runs)


def test_nothing_of_a_host_has_failed(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        failed = host.root.check_output("systemctl list-units --failed --plain --no-legend")
        assert failed == "", (host, failed)


def test_no_password_shows(everywhere: list[Inspected], passwords: Mapping[str, str]) -> None:
    """Not in a list of processes, and not in what Puppet and the journal keep."""
    assert passwords, "the fleet has no passwords"
    kept = ("/var/cache/puppet", "/var/lib/puppet/state", "/var/lib/puppet/reports", "/var/log")
    for host in everywhere:
        processes = host.root.check_output("ps -eww -o args")
        assert not [name for name, secret in passwords.items() if secret in processes], host
        search = ("grep", "-rlF", "--binary-files=text", "-f", "/dev/stdin", *kept)
        assert host.fed("\n".join(passwords.values()), *search) == "", host


def test_secrets_are_for_their_own_account(everywhere: list[Inspected]) -> None:
    for host in everywhere:
        file = host.root.file("/etc/airaware/passwords")
        if file.exists:
            assert (file.user, file.mode) == ("airaware", 0o600), host
