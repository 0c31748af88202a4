"""fab deploy --env lab: a fleet over two zones, as Terraform planned it."""

import json
import subprocess
from collections import Counter
from pathlib import Path

from fleets import Fab
from visitors import at_rest, zones_that_answer

from tools.environments.fleet import Fleet

ROLES = {
    "web": 2,
    "database": 2,
    "spark_master": 1,
    "spark_worker": 2,
    "controller": 1,
    "puppet": 1,
    "monitoring": 1,
}


def test_every_role_has_its_hosts(lab: Fleet) -> None:
    with at_rest(lab):
        assert Counter(host.role for host in lab.hosts()) == ROLES


def test_web_and_databases_are_in_both_zones(lab: Fleet) -> None:
    for role in ("web", "database"):
        zones = {host.zone for host in lab.hosts() if host.role == role}
        assert zones == {"us-west-2a", "us-west-2b"}


def test_the_balancer_reaches_both_zones(lab: Fleet) -> None:
    assert set(zones_that_answer(lab)) == {"us-west-2a", "us-west-2b"}


def test_terraform_plans_no_change_afterwards(lab: Fleet) -> None:
    assert not lab.plan().changes


def test_fab_tells_of_the_fleet(lab: Fleet, fab: Fab) -> None:
    with at_rest(lab):
        status = fab("status", "--env", "lab").stdout
        for host in lab.hosts():
            assert host.name in status
            assert host.instance_id in status
    assert lab.urls()["site"] in status
    assert "no changes" in fab("plan", "--env", "lab").stdout
    assert fab("deploy", "--env", "lab", "--dry-run").returncode == 0


def test_fab_ssh_runs_a_command(lab: Fleet, fab: Fab) -> None:
    host = next(host for host in lab.hosts() if host.role == "controller")
    done = fab("ssh", host.name, "--command", "cloud-init query instance_id", "--env", "lab")
    assert done.stdout.strip() == host.instance_id
    unknown = fab("ssh", "nobody", "--env", "lab")
    assert unknown.returncode == 1
    assert "There is no host 'nobody'" in unknown.stderr


def test_a_host_knows_itself_and_its_region(lab: Fleet) -> None:
    """IMDS gives the instance's credentials; with them AWS's own client finds the endpoint."""
    config = lab.ssh_config()
    ask = (
        "import json, urllib.request as u\n"
        "base = 'http://169.254.169.254/latest/'\n"
        "put = u.Request(base + 'api/token', method='PUT',"
        " headers={'X-aws-ec2-metadata-token-ttl-seconds': '60'})\n"
        "token = {'X-aws-ec2-metadata-token': u.urlopen(put).read().decode()}\n"
        "open = lambda path: u.urlopen(u.Request(base + 'meta-data/' + path, headers=token))\n"
        "print(json.dumps([open(p).read().decode() for p in"
        " ('instance-id', 'local-ipv4', 'placement/availability-zone')]))\n"
    )
    for host in lab.hosts():
        told = subprocess.run(
            ["ssh", "-F", config, host.name, "python3 -"], input=ask, capture_output=True, text=True
        )
        assert json.loads(told.stdout) == [host.instance_id, str(host.address), host.zone]


def test_this_machine_has_no_way_to_a_host(lab: Fleet) -> None:
    """No route but the default one could carry a packet there, and no interface is the lab's."""
    for host in lab.hosts():
        route = subprocess.run(
            ["ip", "-json", "route", "get", str(host.address)], capture_output=True, text=True
        )
        hops = json.loads(route.stdout or "[]")
        assert not hops or "gateway" in hops[0], "it would be reached directly"
    names = {link["ifname"] for link in json.loads(_out("ip", "-json", "link"))}
    assert names == {path.name for path in Path("/sys/class/net").iterdir()}
    assert not any(name.startswith(("br-", "ve-", "vb-")) for name in names)


def _out(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
