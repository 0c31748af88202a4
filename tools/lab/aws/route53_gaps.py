"""Patches of moto's Route 53: private zones."""

from typing import Any

from moto.route53.responses import Route53

from tools.lab.aws.gaps import Original, in_place_of

# Private zones. Terraform names a VPC, which makes a zone private; moto wants another parameter.


@in_place_of(Route53, "create_hosted_zone")
def _create_hosted_zone(original: Original, self: Route53) -> Any:
    if self._get_param("VPC.VPCId"):
        self.params.setdefault("HostedZoneConfig", {})["PrivateZone"] = True
    return original(self)
