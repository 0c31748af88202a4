"""AWS as a region. Nothing here has been run against AWS itself: there was no account to do it."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from ipaddress import IPv4Address

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from airaware.errors import AirAwareError
from tools.machine.steps import Step

SSM = (
    "aws ssm start-session --target %h --document-name AWS-StartSSHSession"
    " --parameters portNumber=%p"
)


class Aws:
    """The AWS account that the person's own credentials name."""

    costs_money = True

    def prepare(self) -> Iterator[Step]:
        """Check the credentials; nothing is changed."""
        yield Step("ask AWS whose credentials these are", self._check_credentials)

    def is_up(self) -> bool:
        """AWS is."""
        return True

    def environ(self) -> Mapping[str, str]:
        """None: the person's own variables and profile name the account."""
        return {}

    def ssh_options(
        self,
        instance_id: str,
        address: IPv4Address,  # noqa: ARG002 (the lab's way takes it)
    ) -> Mapping[str, str]:
        """By SSM's Session Manager: hosts have no port open for it."""
        if not shutil.which("session-manager-plugin"):
            raise AirAwareError(
                "SSH to a host goes through AWS's Session Manager: install the AWS CLI and its"
                " session-manager-plugin"
            )
        return {"HostName": instance_id, "ProxyCommand": SSM}

    def clock_factor(self) -> float:
        """AWS is the measure."""
        return 1.0

    def outside(self) -> Sequence[str]:
        """None: this machine is a visitor."""
        return ()

    def one_visitor(self) -> str:
        """None: this machine has one address."""
        return ""

    def packages(self, progress: Callable[[str], None]) -> None:
        """None: the hosts reach the distribution's mirrors."""

    def packer(self) -> AbstractContextManager[Mapping[str, str]]:
        """By Session Manager, as packer/ has it without more."""
        return nullcontext({})

    def urls(self, site_url: str) -> Mapping[str, str]:
        """Return the balancer's own address."""
        return {"site": site_url}

    def remove(self) -> Iterator[Step]:
        """Nothing: AWS stays."""
        return iter(())

    def _check_credentials(self) -> None:
        try:
            boto3.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise AirAwareError(
                f"AWS does not take the credentials ({error}). Set AWS_PROFILE, or AWS's other"
                " variables, and AWS_DEFAULT_REGION"
            ) from None
