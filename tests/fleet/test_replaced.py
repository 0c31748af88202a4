"""fab replace --host: another instance in the host's place, with its name and its data."""

import subprocess

from fleets import Fab

from tools.fleet import Fleet


def on(lab: Fleet, host: str, command: str) -> str:
    """What a command says there."""
    words = ["ssh", "-F", str(lab.ssh_config()), host, command]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def instance_of(lab: Fleet, name: str) -> str:
    return next(host.instance_id for host in lab.hosts() if host.name == name)


def test_a_replaced_host_keeps_its_name_and_its_data(lab: Fleet, fab: Fab) -> None:
    name, mount = "database-b", "/var/lib/postgresql"
    before = instance_of(lab, name)
    on(lab, name, f"echo kept | sudo tee {mount}/replaced")
    done = fab("replace", "--host", name, "--env", "lab")
    assert done.returncode == 0, done.stderr
    assert instance_of(lab, name) != before
    assert on(lab, name, f"cat {mount}/replaced; sudo rm {mount}/replaced") == "kept\n"
    assert not lab.plan().changes


def test_a_web_host_is_its_groups_to_replace(lab: Fleet, fab: Fab) -> None:
    web = next(host for host in lab.hosts() if host.role == "web")
    done = fab("replace", "--host", web.name, "--env", "lab")
    assert done.returncode == 1
    assert "belongs to a group" in done.stderr
