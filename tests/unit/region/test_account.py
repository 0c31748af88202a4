"""terraform/account fits the environments that it is made for."""

import re

from tools.machine.checkout import CHECKOUT

TERRAFORM = CHECKOUT / "terraform"
ACTION = re.compile(r'"([a-z0-9]+:[A-Z][A-Za-z]+)"')


def test_the_boundary_has_what_hosts_roles_may_do() -> None:
    given = set(ACTION.findall((TERRAFORM / "identity.tf").read_text()))
    most = set(ACTION.findall((TERRAFORM / "account" / "boundary.tf").read_text()))
    assert len(given) > 10
    assert given == most


def test_the_lab_s_account_has_the_lab_s_bucket() -> None:
    account = (TERRAFORM / "account" / "env" / "lab.tfvars").read_text()
    (named,) = re.findall(r'bucket = "(.*)"', account)
    variables = (TERRAFORM / "variables.tf").read_text()
    (bucket,) = re.findall(r'variable "bucket" \{.*?default\s+= "(.*?)"', variables, re.DOTALL)
    assert "bucket" not in (TERRAFORM / "env" / "lab.tfvars").read_text()
    assert named == bucket


def test_the_names_of_buckets_are_the_environments() -> None:
    text = (TERRAFORM / "account" / "variables.tf").read_text()
    (state,) = re.findall(r'default\s+= "(.*-terraform-state)"', text)
    named = dict(re.findall(r'(\w+)\s*= \{ bucket = "(.*)" \}', text))
    backends = {path.name.split(".")[0] for path in TERRAFORM.glob("env/*.s3.tfbackend")}
    assert named.keys() == backends
    for environment, bucket in named.items():
        variables = (TERRAFORM / "env" / f"{environment}.tfvars").read_text()
        assert re.search(rf'^bucket\s+= "{bucket}"$', variables, re.MULTILINE)
        backend = (TERRAFORM / "env" / f"{environment}.s3.tfbackend").read_text()
        assert re.search(rf'^bucket\s+= "{state}"$', backend, re.MULTILINE)
