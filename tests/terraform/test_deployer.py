"""Environments that their deployers apply and destroy while IAM is enforced; what they, and hosts,
are denied. In `make test-slow`.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from airaware import settings
from airaware.errors import AirAwareError
from tests.terraform.conftest import REGION, ROOT, clean, region
from tools.environments.fleet import Fleet
from tools.fleet import passwords
from tools.region.terraform import Terraform

pytestmark = pytest.mark.slow

ADMINISTRATOR = "test"
ACCOUNT = "123456789012"
ROLES = f"arn:aws:iam::{ACCOUNT}:role"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/airaware-staging-hosts"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
STATE = "airaware-terraform-state"
OWN, OTHERS = "airaware-staging-epa-data", "airaware-production-epa-data"
ANY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
        ],
    }
)


@dataclass
class Account:
    """The account, once an administrator has applied terraform/account."""

    environ: Mapping[str, str]  # the administrator's
    deployers: Mapping[str, str]
    folder: Path
    _keys: dict[str, str] = field(default_factory=dict)

    def key(self, role: str) -> str:
        """The access key of a role's session."""
        if role not in self._keys:
            session = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
            self._keys[role] = session["Credentials"]["AccessKeyId"]
        return self._keys[role]

    def client(self, service: str, role: str = "") -> Any:
        """A client of a role's session, or of the administrator."""
        return boto3.client(
            **{"service_name": service, "region_name": REGION},
            **{"aws_secret_access_key": "any", "verify": self.environ["AWS_CA_BUNDLE"]},
            aws_access_key_id=self.key(role) if role else ADMINISTRATOR,
            endpoint_url=self.environ["AWS_ENDPOINT_URL"],
        )

    def place(self, environment: str, *variants: str) -> Terraform:
        """An environment, ready to be planned by its deployer."""
        key = {"AWS_ACCESS_KEY_ID": self.key(self.deployers[environment])}
        terraform = Terraform(
            ROOT,
            environment,
            self.folder / environment,
            clean({**self.environ, **key}),
            settings.read().terraform_mirror,
            variants,
        )
        terraform.init()
        return terraform


@pytest.fixture(scope="module")
def account(initialised: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """terraform/account, applied by the administrator of a region that enforces IAM."""
    folder = tmp_path_factory.mktemp("account")
    code = folder / "terraform"
    shutil.copytree(ROOT, code, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    with region(folder, ADMINISTRATOR) as environ:
        terraforms = {k: v for k, v in initialised.environ.items() if k.startswith("TF_")}
        own = clean(environ) | terraforms | {"TF_DATA_DIR": str(folder / "data")}

        def run(*arguments: str) -> str:
            command = [str(initialised.binary), f"-chdir={code / 'account'}", *arguments]
            done = subprocess.run(command, env=own, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return done.stdout

        run("init", "-no-color", "-lockfile=readonly")
        run("apply", "-no-color", "-auto-approve")
        assert run("plan", "-no-color", "-detailed-exitcode")
        deployers = json.loads(run("output", "-json", "deployers"))
        yield Account(environ, deployers, folder)


@pytest.fixture(scope="module")
def fleets(account: Account) -> Iterator[dict[str, Terraform]]:
    """Staging, and production as `single`, each applied by its deployer."""
    made = {
        "staging": account.place("staging"),
        "production": account.place("production", "single"),
    }
    for terraform in made.values():
        terraform.plan()
        terraform.apply(str)
    s3 = account.client("s3")
    for bucket in (OWN, OTHERS):
        for key in ("raw/a", "releases/a", "backup/a"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"any")
    for environment in made:
        passwords.ensure(account.client("ssm", account.deployers[environment]), environment)
    yield made
    for environment, terraform in made.items():
        take_down(account, terraform, environment)


def take_down(account: Account, terraform: Terraform, environment: str) -> None:
    """Destroy an environment by its deployer, who lifts the balancer's protection, and empties the
    bucket."""
    mine = account.deployers[environment]
    elb, s3 = account.client("elbv2", mine), account.client("s3", mine)
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        if balancer["LoadBalancerName"] == f"airaware-{environment}":
            elb.modify_load_balancer_attributes(
                LoadBalancerArn=balancer["LoadBalancerArn"],
                Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
            )
    bucket = terraform.outputs()["bucket"]
    for each in s3.list_object_versions(Bucket=bucket).get("Versions", ()):
        s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    terraform.destroy(str)
    assert terraform.outputs() == {}


def code(client: Any, action: str, parameters: Mapping[str, Any]) -> str:
    """The code that a request is refused with; empty where it is not."""
    try:
        getattr(client, action)(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def undenied(
    client: Callable[[str], Any], tries: list[tuple[str, str, dict[str, Any]]]
) -> list[str]:
    """Those of the tries that are not refused by IAM."""
    answers = ((service, action, code(client(service), action, p)) for service, action, p in tries)
    return [" ".join(each) for each in answers if each[2] not in DENIED]


def test_a_deployer_s_second_plan_has_no_changes(fleets: dict[str, Terraform]) -> None:
    for terraform in fleets.values():
        assert terraform.plan().changes == {}


def test_a_host_may_do_what_its_role_says_alone(
    account: Account, fleets: dict[str, Terraform]
) -> None:
    outputs, others = fleets["staging"].outputs(), fleets["production"].outputs()
    instance = next(iter(outputs["hosts"].values()))["instance_id"]
    group = outputs["web_groups"]["us-west-2a"]
    own, unwell = (
        f"{ROLES}/{group}",
        {"HealthStatus": "Unhealthy", "ShouldRespectGracePeriod": True},
    )
    metric = {"MetricData": [{"MetricName": "HostCPU", "Value": 1.0}]}
    target = {"TargetGroupArn": outputs["target_group_arn"]}

    def web(service: str) -> Any:
        return account.client(service, own)

    def member(name: str) -> str:
        scaling = account.client("autoscaling")
        described = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return str(described["AutoScalingGroups"][0]["Instances"][0]["InstanceId"])

    may: list[tuple[str, str, dict[str, Any]]] = [
        ("s3", "get_object", {"Bucket": OWN, "Key": "releases/a"}),
        ("s3", "list_objects_v2", {"Bucket": OWN}),
        ("s3", "put_object", {"Bucket": OWN, "Key": "logs/web/a", "Body": b"any"}),
        ("ssm", "get_parameter", {"Name": "/airaware/staging/web/reader_password"}),
        ("cloudwatch", "put_metric_data", {"Namespace": "AirAware", **metric}),
        ("autoscaling", "describe_auto_scaling_groups", {}),
        ("autoscaling", "set_instance_health", {"InstanceId": member(group), **unwell}),
        ("elbv2", "describe_target_health", target),
    ]
    assert [code(web(service), action, given) for service, action, given in may] == [""] * len(may)

    assert outputs["hosts"]
    assert others["hosts"]
    must_not: list[tuple[str, str, dict[str, Any]]] = [
        ("s3", "get_object", {"Bucket": OWN, "Key": "raw/a"}),
        ("s3", "get_object", {"Bucket": OWN, "Key": "backup/a"}),
        ("s3", "put_object", {"Bucket": OWN, "Key": "releases/a", "Body": b""}),
        ("s3", "delete_object", {"Bucket": OWN, "Key": "releases/a"}),
        ("s3", "put_object", {"Bucket": OWN, "Key": "logs/database/a", "Body": b""}),
        ("s3", "put_bucket_policy", {"Bucket": OWN, "Policy": ANY}),
        ("s3", "get_object", {"Bucket": OTHERS, "Key": "releases/a"}),
        ("s3", "list_objects_v2", {"Bucket": OTHERS}),
        ("s3", "get_object", {"Bucket": STATE, "Key": "staging.tfstate"}),
        ("ssm", "get_parameter", {"Name": "/airaware/staging/database/owner_password"}),
        ("ssm", "get_parameter", {"Name": "/airaware/production/web/reader_password"}),
        ("ssm", "get_parameters_by_path", {"Path": "/airaware/staging", "Recursive": True}),
        ("ssm", "start_session", {"Target": instance}),
        ("ec2", "describe_instances", {}),
        ("ec2", "terminate_instances", {"InstanceIds": [instance]}),
        (
            *("ec2", "create_tags"),
            {"Resources": [instance], "Tags": [{"Key": "Role", "Value": "puppet"}]},
        ),
        ("ec2", "run_instances", {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}),
        (
            "autoscaling",
            "set_desired_capacity",
            {"AutoScalingGroupName": group, "DesiredCapacity": 0},
        ),
        (
            *("autoscaling", "set_instance_health"),
            {"InstanceId": member(outputs["web_groups"]["us-west-2b"]), **unwell},
        ),
        ("elbv2", "deregister_targets", {**target, "Targets": [{"Id": instance}]}),
        ("cloudwatch", "put_metric_data", {"Namespace": "Other", **metric}),
        ("cloudwatch", "describe_alarms", {}),
        ("iam", "put_role_policy", {"RoleName": group, "PolicyName": group, "PolicyDocument": ANY}),
        ("iam", "delete_role_permissions_boundary", {"RoleName": group}),
        (
            *("sts", "assume_role"),
            {"RoleArn": account.deployers["staging"], "RoleSessionName": "test"},
        ),
    ]
    assert len(must_not) >= 20
    assert undenied(web, must_not) == []


def test_a_deployer_cannot_raise_its_rights(account: Account, fleets: dict[str, Terraform]) -> None:
    mine, hosts = account.deployers["staging"], "airaware-staging-web-a"
    name = mine.rpartition("/")[2]
    rogue = {"RoleName": "airaware-staging-rogue", "AssumeRolePolicyDocument": TRUST}
    own = {"PolicyName": "own", "PolicyDocument": ANY}
    all_rights = {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    boundary = {"PolicyArn": BOUNDARY}

    def deployer(service: str) -> Any:
        return account.client(service, mine)

    assert fleets["staging"].outputs()["hosts"]
    tries: list[tuple[str, str, dict[str, Any]]] = [
        # A role without the boundary, with a wider one, or of another name.
        ("iam", "create_role", rogue),
        ("iam", "create_role", {**rogue, "PermissionsBoundary": all_rights["PolicyArn"]}),
        ("iam", "create_role", {**rogue, "RoleName": "rogue", "PermissionsBoundary": BOUNDARY}),
        # The boundary taken off, changed, or made anew.
        ("iam", "delete_role_permissions_boundary", {"RoleName": hosts}),
        (
            *("iam", "put_role_permissions_boundary"),
            {"RoleName": hosts, "PermissionsBoundary": all_rights["PolicyArn"]},
        ),
        (
            *("iam", "create_policy_version"),
            {**boundary, "PolicyDocument": ANY, "SetAsDefault": True},
        ),
        ("iam", "delete_policy", boundary),
        # Its own role.
        ("iam", "put_role_policy", {"RoleName": name, **own}),
        ("iam", "attach_role_policy", {"RoleName": name, **all_rights}),
        (
            *("iam", "update_assume_role_policy"),
            {"RoleName": name, "PolicyDocument": TRUST},
        ),
        ("iam", "attach_role_policy", {"RoleName": hosts, **all_rights}),
        # Its role on a host, or somebody who is no role.
        (
            *("iam", "add_role_to_instance_profile"),
            {"InstanceProfileName": hosts, "RoleName": name},
        ),
        ("iam", "create_user", {"UserName": "rogue"}),
        ("iam", "create_access_key", {"UserName": "rogue"}),
        (
            *("sts", "assume_role"),
            {"RoleArn": account.deployers["production"], "RoleSessionName": "test"},
        ),
    ]
    assert undenied(deployer, tries) == []

    # A role that it may make has no more than the boundary, whatever its policy says.
    deployer("iam").create_role(**rogue, PermissionsBoundary=BOUNDARY)
    deployer("iam").put_role_policy(RoleName=rogue["RoleName"], **own)
    try:
        made = f"{ROLES}/{rogue['RoleName']}"
        assert code(account.client("s3", made), "list_objects_v2", {"Bucket": OWN}) == ""
        beyond: list[tuple[str, str, dict[str, Any]]] = [
            ("s3", "list_objects_v2", {"Bucket": OTHERS}),
            ("iam", "create_user", {"UserName": "rogue"}),
            ("ec2", "run_instances", {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1}),
        ]
        assert undenied(lambda service: account.client(service, made), beyond) == []
    finally:
        deployer("iam").delete_role_policy(RoleName=rogue["RoleName"], PolicyName="own")
        deployer("iam").delete_role(RoleName=rogue["RoleName"])


def test_staging_s_deployer_cannot_touch_production(
    account: Account, fleets: dict[str, Terraform]
) -> None:
    outputs = fleets["production"].outputs()
    host = outputs["hosts"]["database-a"]["instance_id"]
    ec2 = account.client("ec2")
    (instance,) = ec2.describe_instances(InstanceIds=[host])["Reservations"][0]["Instances"]
    group, subnet = instance["SecurityGroups"][0]["GroupId"], instance["SubnetId"]
    zones = account.client("route53").list_hosted_zones()["HostedZones"]
    zone = next(each["Id"] for each in zones if each["Name"].startswith("production."))
    record = {"Name": f"database-a.{outputs['domain']}", "Type": "A", "TTL": 60}
    record["ResourceRecords"] = [{"Value": "192.0.2.1"}]
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    role = "airaware-production-database"
    tags = [{"Key": "Environment", "Value": "staging"}]
    own = fleets["staging"].outputs()["hosts"]["database-a"]["instance_id"]

    def staging(service: str) -> Any:
        return account.client(service, account.deployers["staging"])

    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("s3", "get_object", {"Bucket": STATE, "Key": "production.tfstate"}),
        ("s3", "put_object", {"Bucket": STATE, "Key": "production.tfstate", "Body": b""}),
        ("s3", "delete_object", {"Bucket": STATE, "Key": "production.tfstate"}),
        ("s3", "put_object", {"Bucket": STATE, "Key": "production.tfstate.tflock", "Body": b""}),
        ("s3", "put_bucket_policy", {"Bucket": STATE, "Policy": ANY}),
        ("s3", "get_object", {"Bucket": OTHERS, "Key": "raw/a"}),
        ("s3", "list_objects_v2", {"Bucket": OTHERS}),
        ("s3", "put_object", {"Bucket": OTHERS, "Key": "releases/a", "Body": b""}),
        ("s3", "delete_bucket", {"Bucket": OTHERS}),
        ("ssm", "get_parameter", {"Name": "/airaware/production/web/reader_password"}),
        (
            "ssm",
            "put_parameter",
            {"Name": "/airaware/production/any", "Value": "a", "Type": "String"},
        ),
        ("ssm", "start_session", {"Target": host}),
        ("ec2", "terminate_instances", {"InstanceIds": [host]}),
        ("ec2", "stop_instances", {"InstanceIds": [host]}),
        ("ec2", "create_tags", {"Resources": [host], "Tags": tags}),
        ("ec2", "delete_tags", {"Resources": [host], "Tags": [{"Key": "Environment"}]}),
        (
            *("ec2", "create_tags"),  # its own host as one of production's
            {"Resources": [own], "Tags": [{"Key": "Environment", "Value": "production"}]},
        ),
        ("ec2", "revoke_security_group_ingress", {"GroupId": group, "IpPermissions": []}),
        ("ec2", "delete_security_group", {"GroupId": group}),
        (
            *("ec2", "run_instances"),
            {
                **{"ImageId": instance["ImageId"], "MinCount": 1, "MaxCount": 1},
                "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}],
                "SubnetId": subnet,
            },
        ),
        ("route53", "change_resource_record_sets", {"HostedZoneId": zone, "ChangeBatch": change}),
        ("iam", "put_role_policy", {"RoleName": role, "PolicyName": role, "PolicyDocument": ANY}),
        ("iam", "delete_role_policy", {"RoleName": role, "PolicyName": role}),
        (
            *("iam", "add_role_to_instance_profile"),
            {"InstanceProfileName": "airaware-staging-web-a", "RoleName": role},
        ),
        (
            *("autoscaling", "delete_auto_scaling_group"),
            {"AutoScalingGroupName": "airaware-production-web-a", "ForceDelete": True},
        ),
    ]
    assert undenied(staging, tries) == []


def test_fab_works_with_a_deployer_s_role(
    account: Account, fleets: dict[str, Terraform], tmp_path: Path
) -> None:
    key = {"AWS_ACCESS_KEY_ID": account.key(account.deployers["staging"])}
    environ = {**account.environ, **key, "AWS_DEFAULT_REGION": REGION}
    reached: Any = SimpleNamespace(is_up=lambda: True, environ=lambda: environ)
    fleet = Fleet("staging", tmp_path, reached)
    fleet.terraform = fleets["staging"]

    with pytest.raises(AirAwareError, match=r"Nothing was destroyed: .* protected"):
        fleet._destroy()
    passwords.keep_ca(fleet.client("ssm"), "staging", "certificate")
    fleet.raw_store()
    group = next(iter(fleet.outputs()["web_groups"].values()))
    scaling, ec2 = fleet.client("autoscaling"), fleet.client("ec2")
    for action in ("suspend_processes", "resume_processes"):
        getattr(scaling, action)(AutoScalingGroupName=group, ScalingProcesses=["Terminate"])
    # As the drill of a zone's outage does.
    host = fleet.outputs()["hosts"]["database-a"]["instance_id"]
    (instance,) = ec2.describe_instances(InstanceIds=[host])["Reservations"][0]["Instances"]
    made = ec2.create_network_acl(
        VpcId=instance["VpcId"],
        TagSpecifications=[
            {
                "ResourceType": "network-acl",
                "Tags": [{"Key": "Environment", "Value": "staging"}],
            }
        ],
    )["NetworkAcl"]["NetworkAclId"]
    ec2.delete_network_acl(NetworkAclId=made)
    # As an interrupted build of an image leaves it, and the next one removes it.
    half = ec2.create_image(InstanceId=host, Name="airaware-staging-half")["ImageId"]
    ec2.deregister_image(ImageId=half)
    ec2.stop_instances(InstanceIds=[host])
    ec2.start_instances(InstanceIds=[host])


def test_every_environment_and_variant_is_applied_and_destroyed(
    account: Account, fleets: dict[str, Terraform]
) -> None:
    """Staging and production come down here, and are applied as their other variants."""
    for environment, terraform in list(fleets.items()):
        take_down(account, terraform, environment)
        del fleets[environment]
    for environment, variants in (("staging", ("single",)), ("production", ())):
        terraform = account.place(environment, *variants)
        terraform.plan()
        terraform.apply(str)
        assert terraform.plan().changes == {}
        take_down(account, terraform, environment)
