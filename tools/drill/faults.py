"""Faults: the changes that make a zone, a host or a service fail.

Each function only reads the world; the runner performs the changes.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from airaware.errors import AirAwareError
from airaware.raw import epa
from tools.drill.actions import SITE_UNIT, Call, Change
from tools.drill.world import World
from tools.environments.fleet_access import RAW
from tools.fleet.controller import UNIT
from tools.fleet.hosts import Host
from tools.fleet.web_tier import JOINING, Reason
from tools.rollout.rollout import SUSPENDED

Fault = Callable[[World, str], list[Change]]  # of a world and a zone

# What a group without its balancer's targets would otherwise do: launch others, give its hosts back
# to the balancer, and replace those that are ill.
RESTING = ("Launch", JOINING, "HealthCheck", "ReplaceUnhealthy")
DATABASE_PORT = 5432
DATABASE_VOLUME = "/var/lib/postgresql"
# Only where the volume is one of its own.
FILL = f"mountpoint -q {DATABASE_VOLUME} && cd {DATABASE_VOLUME} && fallocate --length \
    $(df --output=avail --block-size=1 . | tail -1) filled-by-a-drill"
CENSUS = "geocoding.geo.census.gov"  # of AIRAWARE_CENSUS_URL, where that is not set
# Beside a site of two workers, and with three times the weight of each service.
HOG, HOGS = "airaware-drill-hog", 6
# What the site may use beyond what it has, and how fast it is used up. Files that the kernel keeps
# in memory for it make room first.
LEAK_BYTES, LEAK_BYTES_A_STEP, LEAK_STEP_SECONDS = 256 << 20, 8 << 20, 0.1
MOST_BYTES = 4 * LEAK_BYTES
SITE_PID = "/run/airaware-web/web.pid"
SITE_WORKERS = "/run/airaware-web/workers"
# It stands for memory that a worker has lost sight of: it is in the site's cgroup, grows while the
# worker lives, and goes with it. The worker is marked as the one that uses it.
LEAK = f"""
worker=$(pgrep --parent "$(cat {SITE_PID})" | head -1)
group=$(systemctl show --property=ControlGroup --value {SITE_UNIT})
folder=/sys/fs/cgroup$group
used=$(cat "$folder/memory.current")
systemctl set-property --runtime {SITE_UNIT} MemoryMax=$((used + {LEAK_BYTES}))
echo 1000 >"/proc/$worker/oom_score_adj"
echo $$ >"$folder/cgroup.procs"
python3 -c 'import os, sys, time
lost = []
while os.path.exists("/proc/" + sys.argv[1]):
    if len(lost) * {LEAK_BYTES_A_STEP} > {MOST_BYTES}:
        sys.exit("the kernel kills nobody: is the memory of " + sys.argv[2] + " limited?")
    lost.append(b"1" * {LEAK_BYTES_A_STEP})
    time.sleep({LEAK_STEP_SECONDS})' "$worker" {SITE_UNIT}
"""
LIMIT = f"/run/systemd/system.control/{SITE_UNIT}.d/50-MemoryMax.conf"
# It ends once another worker answers checks in the place of the one that hangs.
HANG_A_WORKER = f"""
cd {SITE_WORKERS}
workers=$(ls | wc -l)
worker=$(pgrep --parent "$(cat {SITE_PID})" | head -1)
kill -STOP "$worker"
end=$(($(date +%s) + 60))
while [ -e "$worker.sock" ] || [ "$(ls | wc -l)" -lt "$workers" ]; do
    [ "$(date +%s)" -lt "$end" ] || exit 1
    sleep 0.2
done
"""
READS = "reading with"  # what a job says when its tasks begin
# By name: the unit that stands for all of them takes itself for started already.
START_CLUSTERS = """
for cluster in /etc/postgresql/*/*/; do
    systemctl start "postgresql@$(basename "$(dirname "$cluster")")-$(basename "$cluster")"
done
"""


def announced(drill: str, fault: Fault) -> Fault:
    """Return a drill's fault, shown in the dashboards for as long as it lasts."""
    shown = Change(
        "publish the drill to Prometheus",
        Call("publish_drill", {"drill": drill, "running": 1}),
        Call("publish_drill", {"drill": drill, "running": 0}),
    )
    return lambda world, zone: [shown, *fault(world, zone)]


def detach(world: World, zone: str, reason: Reason = Reason.DRILL) -> list[Change]:
    """Return the changes that take the zone's web hosts out of the load balancer, drained."""
    return [
        _rest(world, zone, RESTING, reason),
        Change(
            f"take the web hosts of {zone} from the balancer",
            Call("deregister", {"zone": zone}),
            Call("register", {"zone": zone}),
        ),
    ]


def deny_network(world: World, zone: str) -> list[Change]:
    """Return the changes that drop every packet into and out of the zone's subnets."""
    subnets, acls = world.subnets(zone), world.acls()
    return [
        Change(
            "make a network ACL that denies all",
            Call("make_denying_acl", {"vpc_id": next(iter(subnets.values()))}),
            Call("delete_denying_acls"),
        ),
        *(
            Change(
                f"put {subnet} of {zone} under it",
                Call("deny_subnet", {"subnet_id": subnet}),
                Call("put_under_acl", {"subnet_id": subnet, "acl_id": acls[subnet][0]}),
            )
            for subnet in subnets
        ),
    ]


def cut_power(world: World, zone: str) -> list[Change]:
    """Return the changes that stop all hosts of the zone and keep its group from launching any."""
    ids = [h.instance_id for h in world.hosts() if h.zone == zone and h.state == "running"]
    return [
        _rest(world, zone, ("Launch",)),
        Change(
            f"stop the {len(ids)} hosts of {zone}",
            Call("stop_instances", {"instance_ids": ids}),
            Call("start_instances", {"instance_ids": ids}),
        ),
    ]


def kill_web_host(world: World, zone: str) -> list[Change]:
    """Return the change that terminates a web host of the zone; its group has to replace it."""
    host = _serving(world, zone)
    return [Change(f"terminate {host.name}", Call("terminate", {"instance_id": host.instance_id}))]


def hang_web_host(world: World, zone: str) -> list[Change]:
    """Return the change that freezes a web host's site: it accepts requests, never answers."""
    host = _serving(world, zone)
    return [
        Change(
            f"send SIGSTOP to all of the site's processes on {host.name}",
            _on(host, f"systemctl kill --signal=STOP {SITE_UNIT}"),
            _on(host, f"systemctl kill --signal=CONT {SITE_UNIT}"),
        )
    ]


def hang_worker(world: World, zone: str) -> list[Change]:
    """Return the change that freezes a worker of a web host, and waits until it is replaced."""
    host = _serving(world, zone)
    return [
        Change(
            f"send SIGSTOP to one of the site's workers on {host.name}, and wait for another",
            Call("time_on_host", {"instance_id": host.instance_id, "command": HANG_A_WORKER}),
            _on(host, f"systemctl kill --signal=CONT {SITE_UNIT}"),
        )
    ]


def hang_hosts(world: World, zone: str) -> list[Change]:
    """Return the changes that have a web host of each zone hang for good, beside a further one."""
    size = world.web_tier.group(zone)["DesiredCapacity"]
    return [
        *(_rest(world, each, ("AlarmNotification", "ScheduledActions")) for each in world.groups),
        Change(
            f"make {world.groups[zone]} one larger",
            Call("set_size", {"zone": zone, "size": size + 1}),
            Call("set_size", {"zone": zone, "size": size}),
        ),
        Change(
            f"wait until {size + 1} of it are in service",
            Call("await_in_service", {"zone": zone, "count": size + 1}),
        ),
        *(_hang(_serving(world, each)) for each in world.groups),
    ]


def hang_while_deployed(world: World, zone: str) -> list[Change]:
    """Return the changes that have a web host hang for good while a deployment is under way."""
    return [_rest(world, zone, SUSPENDED), _hang(_serving(world, zone))]


def hang_all_hosts(world: World, _zone: str) -> list[Change]:
    """Return the changes that have all web hosts hang for good."""
    return [_hang(host) for host in _web_hosts(world)]


def leak_memory(world: World, zone: str) -> list[Change]:
    """Return the change that has a web host's worker leak until the site's memory is used up.

    The site's limit is lowered meanwhile: it would take minutes to reach.

    Raises:
        AirAwareError: The host cannot limit what a service uses.
    """
    host = _serving(world, zone)
    try:
        world.ssh(host, ["test", "-e", "/sys/fs/cgroup/cgroup.controllers"])
    except AirAwareError:
        raise AirAwareError(
            f"{host.name} has cgroups of version 1: systemd cannot limit the site's memory there."
            " A lab needs a machine with version 2 for this drill"
        ) from None
    return [
        Change(
            f"leak memory on {host.name} until a worker is killed",
            _on(host, LEAK),
            _on(host, f"rm -f {LIMIT} && systemctl daemon-reload"),
        )
    ]


def kill_database(world: World, zone: str) -> list[Change]:
    """Return the change that kills the zone's database for good: connections are refused."""
    host = _database(world, zone)
    units = "'postgresql@*.service'"
    return [
        Change(
            f"kill PostgreSQL on {host.name}",
            _on(host, f"systemctl kill --signal=KILL {units}; systemctl stop {units}"),
            _on(host, START_CLUSTERS),
        )
    ]


def silence_database(world: World, zone: str) -> list[Change]:
    """Return the change that drops all packets from the zone's database: connections hang."""
    host = _database(world, zone)
    rule = f"pref 5 ipproto tcp sport {DATABASE_PORT} blackhole"
    return [
        Change(f"drop all packets from port {DATABASE_PORT} of {host.name}", *_drop(host, rule))
    ]


def kill_databases(world: World, _zone: str) -> list[Change]:
    """Return the changes that kill every zone's database."""
    return [change for zone in world.groups for change in kill_database(world, zone)]


def silence_names(world: World, zone: str) -> list[Change]:
    """Return the changes that drop all that the zone's web hosts ask name servers.

    Then the zone's database is restarted, so that all connections to it are made anew.
    """
    database = _database(world, zone)
    rules = [f"pref 5 ipproto {protocol} dport 53 blackhole" for protocol in ("udp", "tcp")]
    return [
        *(
            Change(f"drop all that {host.name} asks name servers", *_drop(host, *rules))
            for host in world.serving(zone)
        ),
        Change(
            f"restart PostgreSQL on {database.name}",
            Call("restart_databases", {"instance_id": database.instance_id}),
        ),
    ]


def silence_census(world: World, zone: str) -> list[Change]:
    """Return the changes that lead web hosts' questions for streets to where nobody answers.

    That is the zone's database: its security group drops what comes to port 443.
    """
    entry = f"{_database(world, zone).address} {CENSUS}"
    return [
        Change(
            f"have the Census geocoder be silent to {host.name}",
            _on(host, f"grep -qxF '{entry}' /etc/hosts || echo '{entry}' >>/etc/hosts"),
            _on(host, f"sed -i '/^{entry}$/d' /etc/hosts"),
        )
        for host in _web_hosts(world)
    ]


def starve_web_hosts(world: World, _zone: str) -> list[Change]:
    """Return the changes that leave web hosts a quarter of their CPU, and add no host."""
    begin = (
        f"systemd-run --unit={HOG} --property=CPUWeight=300 sh -c"
        f" 'for each in $(seq {HOGS}); do while :; do :; done & done; wait'"
    )
    return [
        *(_rest(world, zone, ("AlarmNotification", "ScheduledActions")) for zone in world.groups),
        *(
            Change(
                f"have {HOGS} busy loops run on {host.name}",
                _on(host, f"systemctl is-active --quiet {HOG} || {begin}"),
                _on(host, f"systemctl stop {HOG} 2>/dev/null || :"),
            )
            for host in _web_hosts(world)
        ),
    ]


def grow_without_puppet(world: World, zone: str) -> list[Change]:
    """Return the changes that stop Puppet's master and have the zone's group launch a web host."""
    masters = [h for h in world.hosts() if (h.role, h.state) == ("puppet", "running")]
    master, group = _one(masters, "Puppet master"), world.groups[zone]
    size = world.web_tier.group(zone)["DesiredCapacity"]
    return [
        Change(
            f"stop {master.name}",
            Call("stop_instances", {"instance_ids": [master.instance_id]}),
            Call("start_instances", {"instance_ids": [master.instance_id]}),
        ),
        Change(
            f"make {group} one larger",
            Call("set_size", {"zone": zone, "size": size + 1}),
            Call("set_size", {"zone": zone, "size": size}),
        ),
    ]


def spike(_world: World, _zone: str) -> list[Change]:
    """Return no change: more visitors are all that this fault is."""
    return []


def fill_disk(world: World, zone: str) -> list[Change]:
    """Return the changes that fill the volume of the zone's database, and load a year again."""
    host = _database(world, zone)
    empty = f"rm -f {DATABASE_VOLUME}/filled-by-a-drill; {START_CLUSTERS}"
    return [
        Change(f"fill the volume of {host.name}", _on(host, FILL), _on(host, empty)),
        _load(world, "load"),
    ]


def kill_spark_worker(world: World, zone: str) -> list[Change]:
    """Return the changes that kill a Spark worker, with the executor of a job that loads a year."""
    workers = [h for h in world.hosts() if (h.role, h.state) == ("spark_worker", "running")]
    worker = _one(sorted(workers, key=lambda host: host.zone != zone), "Spark worker")
    load = _load(world, "load")
    return [
        load,
        _until(load, READS),
        Change(
            f"kill Spark's worker on {worker.name}",
            _on(worker, "systemctl kill --signal=KILL spark-worker"),
            _on(worker, "systemctl start spark-worker"),
        ),
    ]


def kill_spark_driver(world: World, _zone: str) -> list[Change]:
    """Return the changes that kill the driver of a job that loads a year."""
    controller = _one([h for h in world.hosts() if h.role == "controller"], "controller")
    load = _load(world, "load")
    unit = UNIT + load.do.arguments["job"]
    kill = _on(controller, f"systemctl kill --signal=KILL {unit}")
    return [load, _until(load, READS), Change(f"kill {unit} on {controller.name}", kill)]


def deny_raw_files(world: World, _zone: str) -> list[Change]:
    """Return the changes that have S3 refuse to hand out raw files, and load a year again."""
    before = world.bucket_policy()
    policy = json.loads(before or '{"Version": "2012-10-17", "Statement": []}')
    policy["Statement"] += [
        {
            "Sid": "Drill",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": f"arn:aws:s3:::{world.bucket}/{RAW}/*",
        }
    ]
    return [
        Change(
            "have S3 refuse to hand out raw files",
            Call("set_bucket_policy", {"policy": json.dumps(policy)}),
            Call("set_bucket_policy", {"policy": before}),
        ),
        _load(world, "load"),
    ]


def cut_raw_file(world: World, _zone: str) -> list[Change]:
    """Return the changes that cut a raw file in half, and load its year again."""
    key = f"{RAW}/{epa.file_name(*world.least_load)}"
    return [
        Change(
            f"cut {key} in half",
            Call("cut_raw_file", {"key": key}),
            Call("mend_raw_file", {"key": key}),
        ),
        _load(world, "load"),
    ]


def submit_twice(world: World, _zone: str) -> list[Change]:
    """Return the changes by which two operators submit the same year at the same time."""
    return [_load(world, "first"), _load(world, "second", again=False)]


def release_badly(world: World, zone: str) -> list[Change]:
    """Return the changes that roll out a release whose web hosts listen on the wrong port.

    Raises:
        AirAwareError: A roll-out begins in another zone than this one.
    """
    first = min(world.groups)
    if zone != first:
        raise AirAwareError(
            f"A roll-out reaches the web hosts of {first} first: use --zone {first}"
        )
    bad = f"bad{datetime.now(UTC):%H%M%S}"
    return [
        Change(
            f"publish the release {bad}",
            Call("publish_bad_release", {"bad": bad}),
            Call("delete_release", {"version": bad}),
        ),
        Change("roll it out", Call("roll_out", {"version": bad}), Call("roll_back", {"bad": bad})),
    ]


def submit_again(world: World, _zone: str) -> list[Change]:
    """Return what an operator does about a failed job: load the year by another job."""
    load = _load(world, "again")
    return [load, Change("wait until it has ended", Call("await_end", _job_of(load)))]


def _load(world: World, name: str, again: bool = True) -> Change:
    parameter, year = world.least_load
    job = f"drill-{name}-{datetime.now(UTC):%H%M%S}"
    what = {"job": job, "year": year, "parameter": parameter, "again": again}
    text = f"load {year} of {parameter}{' again' if again else ''}, as job {job}"
    return Change(text, Call("start_job", what), Call("end_job", {"job": job}))


def _until(load: Change, words: str) -> Change:
    return Change(
        f"wait until it says '{words}'", Call("await_words", _job_of(load) | {"words": words})
    )


def _job_of(load: Change) -> dict[str, str]:
    return {"job": load.do.arguments["job"]}


def _database(world: World, zone: str) -> Host:
    wanted = ("database", zone, "running")
    found = [host for host in world.hosts() if (host.role, host.zone, host.state) == wanted]
    return _one(found, f"database in {zone}")


def _serving(world: World, zone: str) -> Host:
    return _one(world.serving(zone), f"web host in {zone}")


def _web_hosts(world: World) -> list[Host]:
    return [host for zone in world.groups for host in world.serving(zone)]


def _drop(host: Host, *rules: str) -> tuple[Call, Call]:
    """Return what drops the packets that routing rules match, and what ends that."""
    begin = "; ".join(f"ip rule add {rule}" for rule in rules)
    end = "; ".join(f"while ip rule del {rule} 2>/dev/null; do :; done" for rule in rules)
    return _on(host, begin), _on(host, end)


def _hang(host: Host) -> Change:
    """Return the change that has a host's site hang, however often it is restarted."""
    return Change(
        f"stop all of the site's processes on {host.name}, again and again",
        Call("hang_site", {"instance_id": host.instance_id}),
        Call("mend_site", {"instance_id": host.instance_id}),
    )


def _rest(
    world: World, zone: str, processes: tuple[str, ...], reason: Reason = Reason.DRILL
) -> Change:
    """Return the change that suspends processes of the zone's group.

    Undone, what was suspended before stays so.
    """
    return Change(
        f"suspend {', '.join(processes)} in {world.groups[zone]}",
        Call(
            "suspend_scaling", {"zone": zone, "reason": reason.value, "processes": list(processes)}
        ),
        Call("resume_scaling", {"zone": zone, "reason": reason.value}),
    )


def _one(found: list[Host], what: str) -> Host:
    if not found:
        raise AirAwareError(f"There is no running {what} to drill")
    return found[0]


def _on(host: Host, command: str) -> Call:
    return Call("run_on_host", {"instance_id": host.instance_id, "command": command})
