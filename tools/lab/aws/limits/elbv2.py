"""Limits of Elastic Load Balancing."""

from moto.core import DEFAULT_ACCOUNT_ID
from moto.elbv2.models import elbv2_backends

from tools.lab.aws.calls import Call
from tools.lab.aws.limits.limit import Limit, all_match, attribute, values, within

API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"


def _protected(call: Call) -> bool:
    balancers = elbv2_backends[DEFAULT_ACCOUNT_ID][call.region].load_balancers
    balancer = balancers.get(call.parameters["LoadBalancerArn"])
    return bool(balancer and balancer.attrs.get("deletion_protection.enabled") == "true")


def _one_subnet(call: Call) -> bool:
    application = values(call, "Type") in ([], ["application"])
    return application and len(values(call, "Subnets[]", "SubnetMappings[].SubnetId")) < 2


LIMITS = (
    Limit(
        "a balancer's name has at most 32 letters, digits and hyphens, none first or last, and"
        " does not begin with internal-",
        ("CreateLoadBalancer",),
        all_match(r"(?!internal-)[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?", "Name"),
        "ValidationError",
        "The load balancer name can only contain up to 32 characters that are alphanumeric"
        " characters and hyphens(-), must not begin or end with a hyphen, and must not begin"
        " with internal-",
        API + "API_CreateLoadBalancer.html",
    ),
    Limit(
        "an application load balancer has subnets in two zones at least",
        ("CreateLoadBalancer",),
        _one_subnet,
        "ValidationError",
        "At least two subnets in two different Availability Zones must be specified",
        API + "API_CreateLoadBalancer.html",
    ),
    Limit(
        "a balancer's idle timeout is 1 to 4000 s",
        ("ModifyLoadBalancerAttributes",),
        within(1, 4_000, attribute("idle_timeout.timeout_seconds")),
        "InvalidConfigurationRequest",
        "The value for idle_timeout.timeout_seconds must be between 1 and 4000 inclusive",
        API + "API_LoadBalancerAttribute.html",
    ),
    Limit(
        "a protected balancer is not deleted",
        ("DeleteLoadBalancer",),
        _protected,
        "OperationNotPermitted",
        "The load balancer cannot be deleted because deletion protection is enabled",
        API + "API_DeleteLoadBalancer.html",
    ),
)
