"""The role web: the site, on every one of its hosts."""

import pytest
from inspected import Inspected, inspected

from tools.environments.fleet import Fleet

pytestmark = pytest.mark.usefixtures("steady_web")


@pytest.fixture(scope="module")
def web(fleet: Fleet) -> list[Inspected]:
    return inspected(fleet, "web")


def test_the_site_runs_as_its_own_account(web: list[Inspected]) -> None:
    for host in web:
        assert host.active("haproxy", "airaware-web"), host
        account = host.root.user("airaware")
        assert account.shell == "/usr/sbin/nologin", host
        servers = host.root.check_output("ps -ww -u airaware -o args")
        assert "gunicorn" in servers, host
        assert "gunicorn" not in host.root.check_output("ps -ww -u root -o args"), host


def test_the_proxy_may_do_no_more_than_pass_requests_on(web: list[Inspected]) -> None:
    for host in web:
        users = host.root.check_output("ps -ww -C haproxy -o user=,ppid=").split("\n")
        workers = [line.split()[0] for line in users if line.split()[1] != "1"]
        assert set(workers) == {"haproxy"}, (host, users)


def test_the_proxy_goes_before_the_site_where_cpus_are_short(web: list[Inspected]) -> None:
    for host in web:
        shown = host.root.check_output("systemctl show --property=CPUWeight haproxy airaware-web")
        assert shown.split() == ["CPUWeight=500", "CPUWeight=[not", "set]"], host


def test_it_listens_on_one_port(web: list[Inspected]) -> None:
    for host in web:
        assert host.ports() == {22, 8000, 9100}, host


def test_it_is_ready_and_knows_its_zone(web: list[Inspected]) -> None:
    for host in web:
        code = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/readyz').status)"
        assert host.python(code) == "200", host
        zone = host.root.file("/etc/airaware/zone").content_string
        assert f"AIRAWARE_ZONE={host.instance.zone}\n" in zone, host


def test_it_may_only_read(web: list[Inspected]) -> None:
    for host in web:
        settings = host.root.file("/etc/airaware/settings").content_string
        assert "airaware_reader" in settings, host
        assert "airaware_owner" not in settings, host
        assert "airaware_owner" not in host.root.file("/etc/airaware/passwords").content_string


def test_it_has_no_way_to_write_its_own_code(web: list[Inspected]) -> None:
    for host in web:
        command = "find /opt/airaware -user airaware -o -perm -o+w -not -type l"
        assert host.root.check_output(command) == "", host
