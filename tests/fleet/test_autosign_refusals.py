"""Puppet's master gives a certificate to nobody whom EC2 does not confirm, and says why."""

from collections.abc import Iterator, Mapping

import pytest
from hands import READ_MASTERS_LOG, everywhere, on, one, said
from wait import until

from tools.environments.fleet import Fleet

DOMAIN = "lab.airaware.internal"
DECIDED_SECONDS = 30
SCRATCH = "/tmp/forged"

# What a request says -> why it is refused. {own} and {zone}: of the controller, which asks; {web}:
# a web host. A value of None is left out.
FORGED: dict[str, tuple[dict[str, str | None], str]] = {
    "without-role": ({"pp_role": None}, "the request has no pp_role"),
    "unknown-role": ({"pp_role": "wizard"}, "pp_role='wizard', but the tag Role is 'controller'"),
    "other-role": ({"pp_role": "database"}, "but the tag Role is 'controller'"),
    "other-host": ({"pp_instance_id": "{web}"}, "but the tag Role is 'web'"),
    "other-zone": ({"pp_zone": "us-west-2z"}, "says pp_zone='us-west-2z'"),
    "other-environment": ({"pp_environment": "production"}, "and this master of lab"),
    "no-instance": ({"pp_instance_id": "i-00000000000000000"}, "EC2 knows no instance"),
    "no-id": ({"pp_instance_id": "controller"}, "is no instance id"),
    "other-name": ({}, "may be called"),
    # By the name that the policy would sign: but the instance has its certificate.
    "{own}": ({}, "a certificate has been signed for {own} already"),
}


@pytest.fixture(scope="module")
def refusals(lab: Fleet) -> Iterator[Mapping[str, str]]:
    """Certificate's name -> why it is refused; all have been asked for, from the controller."""
    config, asker, master = lab.ssh_config(), one(lab, "controller"), one(lab, "puppet")
    known = {"own": asker.instance_id, "web": one(lab, "web").instance_id}
    true = {
        "pp_role": "controller",
        "pp_environment": "lab",
        "pp_zone": asker.zone,
        "pp_instance_id": "{own}",
    }
    asked = {}
    try:
        for label, (claims, why) in FORGED.items():
            name = f"{label.format(**known)}.{DOMAIN}"
            lines = [
                f"  {key}: {value.format(**known)}"
                for key, value in (true | claims).items()
                if value is not None
            ]
            folder = f"{SCRATCH}/{name}"
            attributes = "\n".join(("extension_requests:", *lines, ""))
            said(
                config,
                asker,
                f"mkdir -p {folder} && cat >{folder}/csr_attributes.yaml"
                f" && puppet ssl submit_request --confdir {folder} --vardir {folder}/var"
                f" --ssldir {folder}/ssl --server puppet.{DOMAIN} --certname {name}"
                " --http_keepalive_timeout 0",
                attributes,
            )
            asked[name] = why.format(**known)
        yield asked
    finally:
        on(config, asker, f"rm -rf {SCRATCH}")
        requests = " ".join(f"/var/lib/puppet/ca/requests/{name}.pem" for name in asked)
        on(config, master, f"rm -f {requests}")


def test_each_refusal_is_told_in_the_masters_log(lab: Fleet, refusals: Mapping[str, str]) -> None:
    config, master = lab.ssh_config(), one(lab, "puppet")
    logs = {
        "the journal": "journalctl --no-pager --output cat --identifier airaware-autosign",
        "puppetserver's log": READ_MASTERS_LOG,
    }

    def told(log: str) -> list[str]:
        lines = said(config, master, logs[log]).splitlines()
        return [
            name
            for name, why in refusals.items()
            if any(f"refused '{name}': " in line and why in line for line in lines)
        ]

    for log in logs:
        until(lambda log=log: told(log) == list(refusals), f"all in {log}", DECIDED_SECONDS)


def test_none_of_them_has_a_certificate(lab: Fleet, refusals: Mapping[str, str]) -> None:
    signed = said(lab.ssh_config(), one(lab, "puppet"), "ls /var/lib/puppet/ca/signed")
    assert f"controller.{DOMAIN}.pem" in signed
    assert not [name for name in refusals if f"{name}.pem" in signed.split()]


def test_every_host_has_one_of_its_own(lab: Fleet) -> None:
    """Its own role and instance are in it, as the master reads them."""
    config = lab.ssh_config()
    show = "openssl x509 -noout -text -in $(puppet config print hostcert)"
    shown = everywhere(lab.hosts(), lambda host: said(config, host, show))
    for host, text in shown.items():
        assert host.instance_id in text, host.name
        assert host.role in text, host.name
